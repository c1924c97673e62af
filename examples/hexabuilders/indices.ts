import { command, words } from '../command.ts'

// setup_indices(): what is there already stays as it is (the document's ignore=400).

const text = { type: 'text' }
const keyword = { type: 'keyword' }
const integer = { type: 'integer' }
const INDICES = {
  candidates: {
    name: { type: 'text', analyzer: 'standard' },
    skills: keyword,
    experience_years: integer,
    location: keyword,
    availability: keyword,
    profile_summary: text,
  },
  jobs: {
    title: text,
    required_skills: keyword,
    experience_required: integer,
    location: keyword,
    status: keyword,
  },
}

await command(async () => {
  const [server] = words().positionals
  const told: string[] = []
  for (const [name, properties] of Object.entries(INDICES)) {
    const response = await fetch(`${server}/${name}`, {
      method: 'PUT',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ mappings: { properties } }),
    })
    const answer = (await response.json()) as { error?: { type?: string } }
    const there = answer.error?.type === 'resource_already_exists_exception'
    if (!response.ok && !there) throw new Error(`${name}: ${JSON.stringify(answer)}`)
    told.push(`${name} ${there ? 'was there' : 'created'}`)
  }
  return told.join(', ')
})
