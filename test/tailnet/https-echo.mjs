// node https-echo.mjs <port> <certificate> <key>: answers each request with what it says, as JSON
import { readFileSync } from 'node:fs'
import { createServer } from 'node:https'

const [port, cert, key] = process.argv.slice(2)
createServer({ cert: readFileSync(cert), key: readFileSync(key) }, (request, response) => {
  const { method, url, headers } = request
  let bytes = 0
  request.on('data', (chunk) => {
    bytes += chunk.length
  })
  request.on('end', () =>
    response.end(
      JSON.stringify({ method, url, isAuthorized: headers.authorization === `Bearer ${process.env.TOKEN}`, bytes }),
    ),
  )
}).listen(Number(port), '127.0.0.1', () => process.stdout.write('listening\n'))
