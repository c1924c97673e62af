// One colour of the contract's service: says its name; answers 500 while its fault file is there, and
// to the share of requests, 0 to 1, that was PUT to /fault. Each process says which one it is.
import { randomUUID } from 'node:crypto'
import { existsSync } from 'node:fs'
import { createServer } from 'node:http'
import { text } from 'node:stream/consumers'

const colour = String(process.env['COLOUR'])
const fault = process.env['FAULT']
const headers = {
  'content-type': 'text/plain',
  'x-colour': colour,
  'x-version': colour,
  'x-process': randomUUID(),
}
let share = 0

const server = createServer(async (request, response) => {
  if (request.url === '/fault') share = Number(await text(request))
  const serves = request.url !== '/healthz' && request.url !== '/fault'
  const isBroken = Math.random() < share || (fault !== undefined && existsSync(fault))
  response.writeHead(serves && isBroken ? 500 : 200, headers)
  response.end(colour)
})
server.keepAliveTimeout = 60_000
server.listen(Number(process.env['PORT']), process.env['HOST'] ?? '127.0.0.1')
