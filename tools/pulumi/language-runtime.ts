// The language runtime of the engine that is built from its Go module: it starts Node programs.
//
// The official one comes with Pulumi's own distribution only. This one speaks the same protocol
// (LanguageRuntime over gRPC, the port on the first line of stdout) for what a project needs:
// programs, providers and policy packs in JavaScript or TypeScript.
import { type ChildProcess, spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import path from 'node:path'
import * as grpc from '@grpc/grpc-js'
import services from '@pulumi/pulumi/proto/language_grpc_pb.js'
import messages from '@pulumi/pulumi/proto/language_pb.js'
import plugins from '@pulumi/pulumi/proto/plugin_pb.js'
import empty from 'google-protobuf/google/protobuf/empty_pb.js'

/** The SDK exits so when it has already told the user what is wrong. */
const ALREADY_REPORTED = 32

type Info = InstanceType<typeof messages.ProgramInfo> | undefined
type Unary<Request, Response> = grpc.handleUnaryCall<Request, Response>

const children = new Set<ChildProcess>()
const require = createRequire(import.meta.url)

/** A module of the program's own @pulumi/pulumi, or of this checkout where it has none. */
function sdkModule(directory: string, name: string): string {
  const module = `@pulumi/pulumi/cmd/${name}/index.js`
  try {
    return createRequire(path.join(directory, 'from-here.js')).resolve(module)
  } catch {
    return require.resolve(module)
  }
}

/** The options below `runtime:` in Pulumi.yaml. */
function optionsOf(info: Info): { [name: string]: unknown } {
  return info?.getOptions()?.toJavaScript() ?? {}
}

function nodeArguments(info: Info): string[] {
  const given = optionsOf(info).nodeargs
  return typeof given === 'string' ? given.split(/\s+/).filter(Boolean) : []
}

function typescriptEnvironment(info: Info): NodeJS.ProcessEnv {
  const { typescript, tsconfig } = optionsOf(info)
  return {
    PULUMI_NODEJS_TYPESCRIPT: String(typescript !== false),
    ...(typeof tsconfig === 'string' ? { PULUMI_NODEJS_TSCONFIG_PATH: tsconfig } : {}),
  }
}

/** The engine hands on a trace that nobody listens to; with it the SDK loads all that traces. */
function tracingEnvironment(): NodeJS.ProcessEnv {
  return process.env['PULUMI_OTEL_EXPORTER_OTLP_ENDPOINT'] ? {} : { TRACEPARENT: undefined }
}

function track(child: ChildProcess): ChildProcess {
  children.add(child)
  child.once('close', () => children.delete(child))
  return child
}

function stopChildren(signal: NodeJS.Signals): void {
  for (const child of children) child.kill(signal)
}

let engine = process.argv.slice(2).findLast((argument) => !argument.startsWith('-')) ?? ''

const handshake: Unary<
  InstanceType<typeof messages.LanguageHandshakeRequest>,
  InstanceType<typeof messages.LanguageHandshakeResponse>
> = (call, done) => {
  engine = call.request.getEngineAddress() || engine
  done(null, new messages.LanguageHandshakeResponse())
}

const run: Unary<
  InstanceType<typeof messages.RunRequest>,
  InstanceType<typeof messages.RunResponse>
> = (call, done) => {
  const request = call.request
  const info = request.getInfo()
  const directory = info?.getProgramDirectory() || request.getPwd()
  const flags: [string, string][] = [
    ['monitor', request.getMonitorAddress()],
    ['engine', engine],
    ['organization', request.getOrganization()],
    ['project', request.getProject()],
    ['stack', request.getStack()],
    ['pwd', request.getPwd() || directory],
    ['root-directory', info?.getRootDirectory() ?? ''],
    ['parallel', String(request.getParallel())],
  ]
  const child = track(
    spawn(
      process.execPath,
      [
        `--require=${path.join(import.meta.dirname, 'inspect-guard.cjs')}`,
        `--require=${path.join(import.meta.dirname, 'lean-sdk.cjs')}`,
        ...nodeArguments(info),
        sdkModule(directory, 'run'),
        ...flags
          .filter(([, value]) => value !== '')
          .flatMap(([flag, value]) => [`--${flag}`, value]),
        ...(request.getDryrun() ? ['--dry-run'] : []),
        info?.getEntryPoint() || request.getProgram() || '.',
        ...request.getArgsList(),
      ],
      {
        cwd: directory,
        stdio: ['ignore', 'inherit', 'inherit'],
        env: {
          ...process.env,
          ...tracingEnvironment(),
          ...typescriptEnvironment(info),
          PULUMI_CONFIG: JSON.stringify(Object.fromEntries(request.getConfigMap().entries())),
          PULUMI_CONFIG_SECRET_KEYS: JSON.stringify(request.getConfigsecretkeysList()),
        },
      },
    ),
  )
  call.on('cancelled', () => child.kill('SIGTERM'))
  let failed = ''
  child.once('error', (error) => {
    failed = `The program could not be started with ${process.execPath}: ${error.message}`
  })
  child.once('close', (code, signal) => {
    const response = new messages.RunResponse()
    if (failed) response.setError(failed)
    else if (code === ALREADY_REPORTED) response.setBail(true)
    else if (signal) response.setError(`The program was ended by signal ${signal}`)
    else if (code !== 0) response.setError(`The program exited with code ${code}`)
    done(null, response)
  })
}

/** What is started for a plugin of a kind: a policy pack, or a provider in a folder. */
function pluginCommand(request: InstanceType<typeof messages.RunPluginRequest>) {
  const directory = request.getInfo()?.getProgramDirectory() || request.getProgram()
  const given = request.getArgsList()
  if (request.getKind() === 'analyzer') {
    const [address = engine, ...rest] = given
    // It reads ./package.json for its version, so it has to run in the pack's own folder.
    const args = [sdkModule(directory, 'run-policy-pack'), address, directory, ...rest]
    return { args, cwd: directory }
  }
  const args = [sdkModule(directory, 'run-plugin'), directory, ...given]
  return { args, cwd: request.getPwd() || directory }
}

const runPlugin: grpc.handleServerStreamingCall<
  InstanceType<typeof messages.RunPluginRequest>,
  InstanceType<typeof messages.RunPluginResponse>
> = (call) => {
  const { args, cwd } = pluginCommand(call.request)
  const info = call.request.getInfo()
  const given = call.request.getEnvList().map((entry): [string, string] => {
    const equals = entry.indexOf('=')
    return [entry.slice(0, equals), entry.slice(equals + 1)]
  })
  const child = track(
    spawn(process.execPath, [...nodeArguments(info), ...args], {
      cwd,
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...Object.fromEntries(given), ...typescriptEnvironment(info) },
    }),
  )
  const answer = () => new messages.RunPluginResponse()
  child.stdout?.on('data', (data: Buffer) => call.write(answer().setStdout(data)))
  child.stderr?.on('data', (data: Buffer) => call.write(answer().setStderr(data)))
  call.on('cancelled', () => child.kill('SIGTERM'))
  child.once('error', (error) => {
    call.write(answer().setStderr(Buffer.from(`${process.execPath}: ${error.message}\n`)))
  })
  // `close` comes after both streams have ended, so the exit code is really the last message.
  child.once('close', (code) => {
    call.write(answer().setExitcode(code ?? 1))
    call.end()
  })
}

const getPluginInfo: Unary<unknown, InstanceType<typeof plugins.PluginInfo>> = (_call, done) => {
  const { version } = require('@pulumi/pulumi/package.json')
  done(null, new plugins.PluginInfo().setVersion(version))
}

const about: Unary<unknown, InstanceType<typeof messages.AboutResponse>> = (_call, done) => {
  const response = new messages.AboutResponse()
  done(null, response.setExecutable(process.execPath).setVersion(process.version))
}

/** The direct dependencies in the program's package.json, with the versions that are installed. */
const getProgramDependencies: Unary<
  InstanceType<typeof messages.GetProgramDependenciesRequest>,
  InstanceType<typeof messages.GetProgramDependenciesResponse>
> = (call, done) => {
  const info = call.request.getInfo()
  const directory = info?.getRootDirectory() || info?.getProgramDirectory() || call.request.getPwd()
  const response = new messages.GetProgramDependenciesResponse()
  const read = (file: string) => JSON.parse(readFileSync(file, 'utf8'))
  try {
    const { dependencies = {} } = read(path.join(directory, 'package.json'))
    for (const [name, wanted] of Object.entries<string>(dependencies)) {
      let version = wanted
      try {
        version = read(path.join(directory, 'node_modules', name, 'package.json')).version
      } catch {
        // Not installed here: what is asked for is the best answer.
      }
      response.addDependencies(new messages.DependencyInfo().setName(name).setVersion(version))
    }
  } catch {
    // No package.json is no dependencies; `pulumi about` goes on.
  }
  done(null, response)
}

const server = new grpc.Server({ 'grpc.max_receive_message_length': 400 * 1024 * 1024 })
server.addService(
  services.LanguageRuntimeService as unknown as grpc.ServiceDefinition,
  {
    handshake,
    getPluginInfo,
    // Empty on purpose: the engine then asks for a plugin only when a program uses it, so that an SDK
    // that is installed but unused does not send a machine without internet looking for its plugin.
    getRequiredPackages: (_call: unknown, done: grpc.sendUnaryData<unknown>) =>
      done(null, new messages.GetRequiredPackagesResponse()),
    getRequiredPlugins: (_call: unknown, done: grpc.sendUnaryData<unknown>) =>
      done(null, new messages.GetRequiredPluginsResponse()),
    run,
    runPlugin,
    about,
    getProgramDependencies,
    cancel: (_call: unknown, done: grpc.sendUnaryData<unknown>) => {
      stopChildren('SIGTERM')
      done(null, new empty.Empty())
    },
  } as unknown as grpc.UntypedServiceImplementation,
)

// After kill -9 of the CLI nobody ends this process or the programs it started: it has to notice.
const parent = process.ppid
setInterval(() => {
  if (process.ppid === parent) return
  stopChildren('SIGKILL')
  process.exit(1)
}, 500).unref()

for (const signal of ['SIGTERM', 'SIGINT'] as const) {
  process.on(signal, () => {
    stopChildren(signal)
    process.exit(1)
  })
}

server.bindAsync('127.0.0.1:0', grpc.ServerCredentials.createInsecure(), (error, port) => {
  if (error) {
    process.stderr.write(`pulumi-language-nodejs cannot listen on 127.0.0.1: ${error.message}\n`)
    process.exit(1)
  }
  process.stdout.write(`${port}\n`)
})
