import { describe, expect, it } from 'vitest'
import { editConfig } from '../../cli/config-file.ts'

const text = `# about this stack
config:
  sluice:plan: huntred.plan.yaml   # the plan
  "sluice:step": 'huntred@5'  # raised by the on-call

  sluice:confirmed: [ huntred@25 ]
  other:list:
  - a
  - b
`

describe('editing the config of a stack', () => {
  it('replaces a value in its place and keeps everything else byte for byte', () => {
    expect(editConfig(text, { 'sluice:step': 'huntred@10' })).toBe(
      text.replace("'huntred@5'", 'huntred@10'),
    )
  })

  it('adds what is not there, and keeps comments', () => {
    const edited = editConfig(text, { 'sluice:attempt': 2 })
    expect(edited).toContain('# raised by the on-call')
    expect(edited).toContain('# about this stack')
    expect(edited).toContain('sluice:attempt: 2')
  })

  it('makes a config where there is none', () => {
    expect(editConfig('', { 'sluice:step': 'start' })).toBe('config:\n  sluice:step: start\n')
  })

  it('refuses a text that is no YAML', () => {
    expect(() => editConfig('config: [', { 'sluice:step': 'start' })).toThrow('no YAML')
  })
})
