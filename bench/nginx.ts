import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'
import { waitFor } from '../platforms/local/wait-for.ts'
import { findProgram } from '../tools/programs.ts'

/**
 * The control: nginx that splits users as the router does, 25 % to green, and writes no log.
 * @returns what ends it
 */
export async function startNginx(
  folder: string,
  port: number,
  ports: { blue: number; green: number },
): Promise<() => Promise<void>> {
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']
  mkdirSync(join(folder, 'nginx'))
  const config = join(folder, 'nginx.conf')
  writeFileSync(
    config,
    `daemon off;
master_process off;
pid ${folder}/nginx.pid;
error_log stderr crit;
events { worker_connections 1024; }
http {
  access_log off;
${temporary.map((name) => `  ${name}_temp_path ${folder}/nginx/${name};`).join('\n')}
  keepalive_requests 100000000;
  split_clients $http_x_user_id $colour { 25% green; * blue; }
  upstream blue { server 127.0.0.1:${ports.blue}; keepalive 64; keepalive_requests 100000000; }
  upstream green { server 127.0.0.1:${ports.green}; keepalive 64; keepalive_requests 100000000; }
  server {
    listen 127.0.0.1:${port};
    location / {
      proxy_pass http://$colour;
      proxy_http_version 1.1;
      proxy_set_header Connection "";
    }
  }
}
`,
  )
  const child = spawn(findProgram('nginx'), ['-p', folder, '-e', 'stderr', '-c', config], {
    stdio: ['ignore', 'ignore', 'inherit'],
  })
  await waitFor(() => answers(port), { timeoutMs: 5_000, what: 'nginx' })
  return async () => {
    const ended = once(child, 'exit')
    child.kill('SIGTERM')
    await ended
  }
}

function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1')
    socket.once('connect', () => resolve(true)).once('error', () => resolve(false))
    socket.once('connect', () => socket.destroy())
  })
}
