// One colour of a service for tests: node colour-server.ts <name> <port>
import { createServer } from 'node:http'

const [name, port] = process.argv.slice(2)
createServer((request, response) => {
  request.resume()
  const status = request.url?.startsWith('/broken') ? 500 : 200
  response.writeHead(status, { 'content-type': 'text/plain' }).end(`${name} ${request.url}`)
}).listen(Number(port), '127.0.0.1')
