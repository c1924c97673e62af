package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"

	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/types/known/emptypb"
)

// The SDK exits so when it has already told the user what is wrong.
const alreadyReported = 32

// Everything that the engine may ask of this runtime; what is not here answers "unimplemented".
// GetRequiredPackages and GetRequiredPlugins are empty on purpose: the engine then asks for a plugin
// only when a program uses it, so that an SDK that is installed but unused does not send a machine
// without internet looking for its plugin.
type languageRuntime struct {
	pulumirpc.UnimplementedLanguageRuntimeServer
	engine   string
	children children
}

func (r *languageRuntime) Handshake(
	_ context.Context, request *pulumirpc.LanguageHandshakeRequest,
) (*pulumirpc.LanguageHandshakeResponse, error) {
	if address := request.GetEngineAddress(); address != "" {
		r.engine = address
	}
	return &pulumirpc.LanguageHandshakeResponse{}, nil
}

func (r *languageRuntime) GetRequiredPackages(
	context.Context, *pulumirpc.GetRequiredPackagesRequest,
) (*pulumirpc.GetRequiredPackagesResponse, error) {
	return &pulumirpc.GetRequiredPackagesResponse{}, nil
}

func (r *languageRuntime) GetRequiredPlugins(
	context.Context, *pulumirpc.GetRequiredPluginsRequest,
) (*pulumirpc.GetRequiredPluginsResponse, error) {
	return &pulumirpc.GetRequiredPluginsResponse{}, nil
}

func (r *languageRuntime) Run(
	ctx context.Context, request *pulumirpc.RunRequest,
) (*pulumirpc.RunResponse, error) {
	info := request.GetInfo()
	directory := first(info.GetProgramDirectory(), request.GetPwd())
	own, given := project{directory}, optionsOf(info)

	config, err := json.Marshal(request.GetConfig())
	if err != nil {
		return nil, err
	}
	secrets, err := json.Marshal(append([]string{}, request.GetConfigSecretKeys()...))
	if err != nil {
		return nil, err
	}

	arguments := append(own.preloads(), given.nodeArguments...)
	arguments = append(arguments, own.sdk("run"))
	for _, flag := range [][2]string{
		{"monitor", request.GetMonitorAddress()},
		{"engine", r.engine},
		{"organization", request.GetOrganization()},
		{"project", request.GetProject()},
		{"stack", request.GetStack()},
		{"pwd", first(request.GetPwd(), directory)},
		{"root-directory", info.GetRootDirectory()},
		{"parallel", fmt.Sprint(request.GetParallel())},
	} {
		if flag[1] != "" {
			arguments = append(arguments, "--"+flag[0], flag[1])
		}
	}
	if request.GetDryRun() {
		arguments = append(arguments, "--dry-run")
	}
	//nolint:staticcheck // Older engines name the program here only.
	program := first(info.GetEntryPoint(), request.GetProgram(), ".")
	arguments = append(append(arguments, program), request.GetArgs()...)

	command := exec.CommandContext(ctx, own.node(), arguments...)
	command.Dir = directory
	command.Stdout, command.Stderr = os.Stdout, os.Stderr
	command.Env = append(programEnvironment(), own.compileCache()...)
	command.Env = append(command.Env, given.environment...)
	command.Env = append(command.Env,
		"PULUMI_CONFIG="+string(config), "PULUMI_CONFIG_SECRET_KEYS="+string(secrets))
	return answerTo(r.children.run(command), command.Path), nil
}

// The engine hands on a trace that nobody listens to; with it the SDK loads all that traces.
func programEnvironment() []string {
	var kept []string
	for _, entry := range os.Environ() {
		if strings.HasPrefix(entry, "TRACEPARENT=") &&
			os.Getenv("PULUMI_OTEL_EXPORTER_OTLP_ENDPOINT") == "" {
			continue
		}
		kept = append(kept, entry)
	}
	return kept
}

func answerTo(err error, node string) *pulumirpc.RunResponse {
	var exit *exec.ExitError
	switch {
	case err == nil:
		return &pulumirpc.RunResponse{}
	case !errors.As(err, &exit):
		return &pulumirpc.RunResponse{
			Error: fmt.Sprintf("The program could not be started with %s: %v", node, err),
		}
	case exit.ExitCode() == alreadyReported:
		return &pulumirpc.RunResponse{Bail: true}
	}
	if status, ok := exit.Sys().(syscall.WaitStatus); ok && status.Signaled() {
		return &pulumirpc.RunResponse{
			Error: fmt.Sprintf("The program was ended by signal %v", status.Signal()),
		}
	}
	return &pulumirpc.RunResponse{
		Error: fmt.Sprintf("The program exited with code %d", exit.ExitCode()),
	}
}

// RunPlugin starts a policy pack, or a provider in a folder.
func (r *languageRuntime) RunPlugin(
	request *pulumirpc.RunPluginRequest,
	stream grpc.ServerStreamingServer[pulumirpc.RunPluginResponse],
) error {
	info := request.GetInfo()
	//nolint:staticcheck // Older engines name the program here only.
	directory := first(info.GetProgramDirectory(), request.GetProgram())
	own, given := project{directory}, optionsOf(info)
	what, folder, rest := "run-plugin", first(request.GetPwd(), directory), request.GetArgs()
	arguments := []string{directory}
	if request.GetKind() == "analyzer" {
		address := r.engine
		if len(rest) > 0 {
			address, rest = rest[0], rest[1:]
		}
		// It reads ./package.json for its version, so it has to run in the pack's own folder.
		what, folder, arguments = "run-policy-pack", directory, []string{address, directory}
	}
	arguments = append([]string{own.sdk(what)}, append(arguments, rest...)...)

	command := exec.CommandContext(
		stream.Context(), own.node(), append(given.nodeArguments, arguments...)...)
	command.Dir = folder
	command.Env = append(append(request.GetEnv(), own.compileCache()...), given.environment...)
	output := &answers{stream: stream}
	command.Stdout = writer(func(data []byte) *pulumirpc.RunPluginResponse {
		return &pulumirpc.RunPluginResponse{
			Output: &pulumirpc.RunPluginResponse_Stdout{Stdout: data},
		}
	}, output)
	command.Stderr = writer(func(data []byte) *pulumirpc.RunPluginResponse {
		return &pulumirpc.RunPluginResponse{
			Output: &pulumirpc.RunPluginResponse_Stderr{Stderr: data},
		}
	}, output)

	err := r.children.run(command)
	var exit *exec.ExitError
	code := int32(0)
	switch {
	case errors.As(err, &exit):
		code = int32(exit.ExitCode())
	case err != nil:
		code = 1
		_, _ = fmt.Fprintf(command.Stderr, "%s: %v\n", command.Path, err)
	}
	return output.send(&pulumirpc.RunPluginResponse{
		Output: &pulumirpc.RunPluginResponse_Exitcode{Exitcode: code},
	})
}

func (r *languageRuntime) GetPluginInfo(
	context.Context, *emptypb.Empty,
) (*pulumirpc.PluginInfo, error) {
	directory, err := os.Getwd()
	return &pulumirpc.PluginInfo{Version: project{directory}.sdkVersion()}, err
}

func (r *languageRuntime) About(
	_ context.Context, request *pulumirpc.AboutRequest,
) (*pulumirpc.AboutResponse, error) {
	node := project{request.GetInfo().GetProgramDirectory()}.node()
	version, err := exec.Command(node, "--version").Output()
	return &pulumirpc.AboutResponse{
		Executable: node, Version: strings.TrimSpace(string(version)),
	}, err
}

func (r *languageRuntime) GetProgramDependencies(
	_ context.Context, request *pulumirpc.GetProgramDependenciesRequest,
) (*pulumirpc.GetProgramDependenciesResponse, error) {
	info := request.GetInfo()
	own := project{first(info.GetProgramDirectory(), info.GetRootDirectory())}
	return &pulumirpc.GetProgramDependenciesResponse{Dependencies: own.dependencies()}, nil
}

func (r *languageRuntime) Cancel(context.Context, *emptypb.Empty) (*emptypb.Empty, error) {
	r.children.signal(syscall.SIGTERM)
	return &emptypb.Empty{}, nil
}

func first(values ...string) string {
	for _, value := range values {
		if value != "" {
			return value
		}
	}
	return ""
}
