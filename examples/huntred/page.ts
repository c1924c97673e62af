import type { ServerResponse } from 'node:http'
import type { Listing } from './contract.ts'

const escaped = (text: string) => text.replace(/[&<>"]/g, (c) => `&#${c.charCodeAt(0)};`)

/** The dashboard of the old templates: what it shows must look the same in both generations. */
export const dashboard = ({ candidates, total, page }: Listing): string => {
  const rows = candidates.map(
    ({ nombre, apellido_paterno, city, skills }) =>
      `<tr><td>${escaped(nombre)} ${escaped(apellido_paterno ?? '')}</td>` +
      `<td>${escaped(city ?? '')}</td><td>${escaped(skills.join(', '))}</td></tr>`,
  )
  return `<!doctype html><html lang="es"><title>huntRED</title><h1>${total} candidatos</h1>
<table>${rows.join('\n')}</table><p>página ${page}</p></html>\n`
}

export const sendPage = (response: ServerResponse, html: string) => {
  response.writeHead(200, { 'content-type': 'text/html; charset=utf-8' })
  response.end(html)
}
