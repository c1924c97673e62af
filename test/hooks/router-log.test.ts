import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  type Answer,
  listenForLog,
  parseRouterLine,
  type RouterLine,
  sampleOf,
} from '../../hooks/router-log.ts'

const HEAD = '<134>1 2026-11-21T15:15:09.737753+00:00 - haproxy 12466 - - '
const sample = (line: string) => sampleOf(parseRouterLine(`${HEAD}${line}`) as Answer)

describe('a line of the router', () => {
  it('is read with its header and its end', () => {
    expect(parseRouterLine(`${HEAD}sluice api green green 200 12 15 -- 1\n`)).toEqual({
      kind: 'answer',
      service: 'api',
      wanted: 'green',
      server: 'green',
      status: 200,
      waitMs: 12,
      totalMs: 15,
      termination: '--',
      fallback: true,
    })
  })

  it('may have no fallback where the router is one of before', () => {
    const line = parseRouterLine(`${HEAD}sluice api green green 200 12 15 --\n`)
    expect(line).toMatchObject({ kind: 'answer', fallback: false })
  })

  it('may be of a copier, which says what it has copied', () => {
    expect(parseRouterLine('sluice-copies my-api 12 3\n')).toEqual({
      kind: 'copies',
      service: 'my-api',
      ok: 12,
      failed: 3,
    })
  })

  it('tells when a server goes down, and why', () => {
    const line = `${HEAD}Server api_green/green is DOWN, reason: Layer4 connection problem, info: "Connection refused", check duration: 0ms. 0 active and 1 backup servers left. Running on backup.`
    expect(parseRouterLine(line)).toEqual({
      kind: 'server',
      service: 'api',
      colour: 'green',
      up: false,
      reason: 'Layer4 connection problem, info: "Connection refused"',
    })
    expect(
      parseRouterLine(`${HEAD}Server my-api_blue/blue is UP, reason: Layer7 check passed`),
    ).toMatchObject({
      service: 'my-api',
      colour: 'blue',
      up: true,
    })
  })

  it.each([
    '',
    'sluice',
    'sluice api green green 200 12 15',
    'sluice api purple green 200 12 15 --',
    'sluice API green green 200 12 15 --',
    'sluice api green green 200 12 15 -- more',
    'sluice api green green 200 12 15 -- 2',
    'sluice-copies api 1',
    'a user says sluice-copies api 1 2',
    'sluice api green green 2e2 12 15 --',
    'sluice - blue - 404 -1 0 PR',
    'Server guard/hook is DOWN, reason: Layer4 timeout',
    'Server api_green/blue_backup is DOWN via api_blue/blue',
    'backend guard has no server available!',
    'Proxy users stopped',
  ])('is left out when it is another one: %s', (line) => {
    expect(parseRouterLine(`${HEAD}${line}`)).toBeUndefined()
  })

  it('never breaks the reader, whatever it is', () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 200 }), fc.nat(40), (noise, cut) => {
        parseRouterLine(noise)
        const line = 'sluice api green green 200 12 15 --'
        parseRouterLine(line.slice(0, cut) + noise + line.slice(cut))
      }),
    )
  })
})

describe('an answer', () => {
  it.each([
    ['sluice api green green 200 12 15 --', { colour: 'green', bad: false, seconds: 0.012 }],
    ['sluice api green green 404 12 15 --', { colour: 'green', bad: false, seconds: 0.012 }],
    ['sluice api green green 500 12 15 --', { colour: 'green', bad: true, seconds: 0.012 }],
    ['sluice api green green 504 -1 5000 sH', { colour: 'green', bad: true }],
    ['sluice api green green -1 -1 5000 SH', { colour: 'green', bad: true }],
    ['sluice api green green 200 12 5000 sD', { colour: 'green', bad: true, seconds: 0.012 }],
    ['sluice api green - 503 -1 0 SC', { colour: 'green', bad: true }],
    ['sluice api green blue_backup 200 3 3 --', { colour: 'green', bad: true, seconds: 0.003 }],
    ['sluice api green blue 200 3 3 --', { colour: 'blue', bad: false, seconds: 0.003 }],
    ['sluice api blue blue 200 3 3 --', { colour: 'blue', bad: false, seconds: 0.003 }],
    ['sluice api blue blue 502 3 3 --', { colour: 'blue', bad: true, seconds: 0.003 }],
    ['sluice api green green 200 3 3 -- 1', { colour: 'green', bad: false, fallback: true }],
    ['sluice api green green 500 3 3 -- 1', { colour: 'green', bad: true, fallback: false }],
    ['sluice api blue blue 200 3 3 -- 1', { colour: 'blue', bad: false, fallback: false }],
    ['sluice api green copier_green 201 3 3 -- 0', { colour: 'green', bad: false }],
    ['sluice api green copier_blue 201 3 3 -- 0', { colour: 'blue', bad: false }],
    ['sluice api green uncopied_green 500 3 3 -- 0', { colour: 'green', bad: true }],
  ] as const)('says of its colour: %s', (line, expected) => {
    expect(sample(line)).toMatchObject(expected)
    if (/ -1 \d+ /.test(line)) expect(sample(line)?.seconds).toBeUndefined()
  })

  it.each([
    'sluice api green green -1 -1 80 CH',
    'sluice api green - 400 -1 0 PR',
    'sluice api green - 408 -1 0 cR',
    'sluice api blue - 404 -1 0 LR 0',
    'sluice api green copier_green 502 -1 20 SH 0',
  ])('says nothing where the client left or the router refused: %s', (line) => {
    expect(sample(line)).toBeUndefined()
  })
})

describe('the log socket', () => {
  it('hands on each line of a datagram, and survives what is none', async () => {
    const lines: RouterLine[] = []
    const socket = await listenForLog(0, (line) => lines.push(line))
    const sender = createSocket('udp4')
    try {
      const send = (text: string | Buffer) => sender.send(text, socket.address().port, '127.0.0.1')
      send(Buffer.from([0, 255, 254, 10]))
      send('sluice api blue blue 200 1 1 --\nnoise\nsluice api green green 500 1 1 --\n')
      while (lines.length < 2) await once(socket, 'message')
      expect(lines.map((line) => line.kind === 'answer' && line.status)).toEqual([200, 500])
    } finally {
      sender.close()
      socket.close()
    }
  })
})
