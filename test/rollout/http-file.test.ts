import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { HttpFileError, parseHttpFile, requestsOf } from '../../rollout/http-file.ts'

function mistakesOf(text: string): string[] {
  try {
    parseHttpFile(text, 'a.http')
  } catch (error) {
    if (error instanceof HttpFileError) return error.message.split('\n')
    throw error
  }
  return []
}

describe('reading a .http file', () => {
  it('reads every request of the example', () => {
    const file = new URL('../../examples/huntred/parity.http', import.meta.url)
    const text = readFileSync(file, 'utf8')
    const requests = parseHttpFile(text, 'parity.http')
    expect(requests).toHaveLength(text.match(/^# @name /gm)?.length ?? 0)
    expect(requests[0]).toEqual({
      name: 'analyze a candidate',
      line: 7,
      method: 'GET',
      path: '/api/ml/analyze/1/',
      headers: {},
      group: 'business logic',
    })
    expect(requests.find(({ name }) => name === 'a body that is not JSON')).toMatchObject({
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: '{"candidate_id": 7,',
    })
    expect(requests.find(({ name }) => name === 'settings as a recruiter')?.headers).toEqual({
      authorization: 'Bearer example-recruiter',
    })
  })

  it('takes a bare path for GET, a version for nothing, and names a request by its line', () => {
    expect(parseHttpFile('/a?b=1\n### two\nDELETE /c HTTP/1.1\n', 'a.http')).toMatchObject([
      { name: 'GET /a?b=1', method: 'GET', path: '/a?b=1', line: 1 },
      { name: 'DELETE /c', method: 'DELETE', path: '/c', line: 3 },
    ])
  })

  it('keeps empty lines and comments inside a body, and none around it', () => {
    const text = 'POST /a\r\nX-A: 1\r\n# why\r\nx-a: 2\r\n\r\n\r\none\r\n\r\n# two\r\n\r\n###\r\n'
    const [request] = parseHttpFile(text, 'a.http')
    expect(request).toMatchObject({ headers: { 'x-a': '1, 2' }, body: 'one\n\n# two' })
  })

  it('says of every mistake where it is, what was given and what to do', () => {
    const text = [
      '### one',
      'GTE /a',
      '###',
      'GET http://127.0.0.1:1/a',
      '###',
      'POST /b',
      'no header',
      'Content-Length: 3',
      '',
      '{"token": "{{token}}"}',
      '###',
      'POST /c',
      '',
      '< ./body.json',
    ].join('\n')
    expect(mistakesOf(text)).toEqual([
      expect.stringMatching(/^a\.http:2: "GTE" is no method; give GET,/),
      expect.stringMatching(/^a\.http:4: "http:\/\/127\.0\.0\.1:1\/a" is no path/),
      expect.stringMatching(/^a\.http:7: "no header" is no header/),
      expect.stringMatching(/^a\.http:8: Content-Length is set by/),
      expect.stringMatching(/^a\.http:10: \{\{token\}\} is a variable/),
      expect.stringMatching(/^a\.http:14: scripts and bodies from other files/),
    ])
  })

  it('refuses a file without a request, and a name given twice', () => {
    expect(mistakesOf('# nothing\n###\n')).toEqual([expect.stringContaining('has no request')])
    expect(mistakesOf('# @name a\nGET /1\n###\n# @name a\nGET /2')).toEqual([
      expect.stringMatching(/^a\.http:5: the name "a" is taken by the request at line 2/),
    ])
  })

  it('gives each request the group that the words after ### began', () => {
    const text = 'GET /0\n### Mail sent\nGET /1\n###\nGET /2\n### API\nGET /3'
    const requests = parseHttpFile(text, 'a.http')
    expect(requests.map(({ group }) => group)).toEqual([undefined, 'Mail sent', 'Mail sent', 'API'])
    const paths = (group?: string) => requestsOf(requests, group, 'a.http').map(({ path }) => path)
    expect(paths('mail sent')).toEqual(['/1', '/2'])
    expect(paths()).toHaveLength(4)
    expect(() => paths('chat')).toThrow(
      'a.http: has no group "chat"; begin it with ### chat; known: Mail sent, API',
    )
  })
})
