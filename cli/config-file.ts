import { readFileSync, renameSync, statSync, writeFileSync } from 'node:fs'
import { isScalar, parseDocument, stringify } from 'yaml'

/** The lines of a stack's config that the command changes. */
export interface ConfigEdit {
  'sluice:step'?: string
  'sluice:attempt'?: number
}

/**
 * Sets values in the text of a stack's config file. A value that stands there is replaced in its
 * place, so that comments and everything else stay byte for byte.
 * @throws Error where the text is no YAML
 */
export function editConfig(text: string, edit: ConfigEdit): string {
  return Object.entries(edit).reduce(
    (current, [key, value]) => (value === undefined ? current : setOne(current, key, value)),
    text,
  )
}

function setOne(text: string, key: string, value: string | number): string {
  const document = parseDocument(text)
  const [error] = document.errors
  if (error) throw new Error(`the stack's config is no YAML: ${error.message}`)
  const node = document.getIn(['config', key], true)
  if (isScalar(node) && node.range && node.value !== null) {
    const [from, to] = node.range
    return `${text.slice(0, from)}${stringify(value).trimEnd()}${text.slice(to)}`
  }
  document.setIn(['config', key], value)
  return document.toString({ lineWidth: 0, flowCollectionPadding: false })
}

/** Edits the file itself; a crash leaves the old text or the new one. */
export function editConfigFile(file: string, edit: ConfigEdit): void {
  const before = readFileSync(file, 'utf8')
  const after = editConfig(before, edit)
  if (after === before) return
  const temporary = `${file}.${process.pid}.tmp`
  writeFileSync(temporary, after, { mode: statSync(file).mode & 0o777 })
  renameSync(temporary, file)
}
