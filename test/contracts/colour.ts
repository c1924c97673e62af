// One colour of the contract's service: says its name; answers 500 while its fault file is there.
import { existsSync } from 'node:fs'
import { createServer } from 'node:http'

const colour = String(process.env['COLOUR'])
const fault = String(process.env['FAULT'])

const server = createServer((request, response) => {
  const broken = request.url !== '/healthz' && existsSync(fault)
  response.writeHead(broken ? 500 : 200, { 'content-type': 'text/plain', 'x-colour': colour })
  response.end(colour)
})
server.keepAliveTimeout = 60_000
server.listen(Number(process.env['PORT']), process.env['HOST'] ?? '127.0.0.1')
