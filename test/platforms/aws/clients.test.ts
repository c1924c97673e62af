import { afterEach, expect, test, vi } from 'vitest'
import { clientsOf } from '../../../platforms/aws/clients.ts'
import { readParameters } from '../../../platforms/aws/parameters.ts'
import { environmentOf } from '../../beds/aws/environment.ts'
import { Site } from '../../site.ts'

afterEach(() => vi.unstubAllEnvs())

test('a call whose answer never comes is asked again, and a rollback does not hang on it', async () => {
  const site = await Site.open((_asked, response) => {
    // The first is taken and never answered, as where a connection is lost without a word.
    if (site.asked.length === 1) return
    const Parameters = [{ Name: '/sluice/shop/latch', Value: 'set' }]
    response
      .writeHead(200, { 'content-type': 'application/x-amz-json-1.1' })
      .end(JSON.stringify({ Parameters }))
  })
  for (const [name, value] of Object.entries(environmentOf(site.url, 'hook'))) {
    vi.stubEnv(name, value)
  }
  try {
    const found = await readParameters(clientsOf({}).parameters, ['/sluice/shop/latch'])
    expect(found.get('/sluice/shop/latch')).toBe('set')
    expect(site.asked).toHaveLength(2)
  } finally {
    await site.close()
  }
})
