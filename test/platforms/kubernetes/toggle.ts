// One process for both colours: says whether its flag is on for whoever asks, as a service does.
import { createServer } from 'node:http'
import { readFlags } from '../../../examples/flags.ts'

const server = createServer((request, response) => {
  const bucket = Number(request.headers['x-sluice-bucket'])
  response.end(request.url === '/healthz' ? 'ok' : String(readFlags()('new-look', { bucket })))
})
server.listen(Number(process.env['PORT']), process.env['HOST'] ?? '127.0.0.1')
