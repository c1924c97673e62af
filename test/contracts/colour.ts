// One colour of the contract's service: says its name; answers 500 while its fault file is there, or
// after a PUT /fault until a DELETE /fault. Each process says which one it is.
import { randomUUID } from 'node:crypto'
import { existsSync } from 'node:fs'
import { createServer } from 'node:http'

const colour = String(process.env['COLOUR'])
const fault = process.env['FAULT']
const own = randomUUID()
let told = false

const server = createServer(({ url, method }, response) => {
  if (url === '/fault') told = method === 'PUT'
  const serves = url !== '/healthz' && url !== '/fault'
  const broken = serves && (told || (fault !== undefined && existsSync(fault)))
  response.writeHead(broken ? 500 : 200, {
    'content-type': 'text/plain',
    'x-colour': colour,
    'x-process': own,
  })
  response.end(colour)
})
server.keepAliveTimeout = 60_000
server.listen(Number(process.env['PORT']), process.env['HOST'] ?? '127.0.0.1')
