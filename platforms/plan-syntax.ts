import { Lexer } from 'yaml'

/** A place in a text and what is wrong there. */
export interface SyntaxProblem {
  offset: number
  message: string
}

/** Deeper than any plan nests by far, and shallow enough for a parser that recurses. */
const DEEPEST = 40
/** The words, signs and spaces of the longest plan one would read; bounds the time of parsing. */
const MOST_TOKENS = 40_000

const SCALAR = '\u001f'
const DOCUMENT = '\u0002'
const FLOW_END = '\u0018'

/**
 * Looks over a YAML text before it is parsed, word by word and without recursion, for what a plan
 * never has and a parser may choke on or take in silence: deep nesting, tags, directives, a flood.
 */
export function syntaxProblem(text: string): SyntaxProblem | undefined {
  const nesting = new Nesting()
  let offset = 0
  let tokens = 0
  let inScalar = false
  let lineStart = true
  for (const token of new Lexer().lex(text)) {
    tokens += 1
    if (tokens > MOST_TOKENS) {
      return { offset, message: `goes on for more than ${MOST_TOKENS} words; give a shorter plan` }
    }
    // Signs of the lexer itself; they stand for no characters of the text.
    if (token === DOCUMENT || token === FLOW_END) continue
    if (token === SCALAR) {
      if (lineStart) nesting.line(0)
      inScalar = true
      lineStart = false
      continue
    }
    if (!inScalar) {
      if (token.startsWith('!')) {
        return { offset, message: `${clip(token)} is a tag; take it out, quotes make text` }
      }
      if (token.startsWith('%')) {
        return { offset, message: `${clip(token)} is a directive; take it out` }
      }
      if (lineStart && !/^[\r\n]/.test(token)) {
        nesting.line(/^ +$/.test(token) ? token.length : 0)
      }
      lineStart = /[\r\n]$/.test(token)
      nesting.sign(token)
      if (nesting.depth() > DEEPEST) {
        return { offset, message: `nests deeper than ${DEEPEST}; a plan needs less than ten` }
      }
    } else {
      lineStart = /[\r\n]$/.test(token)
    }
    inScalar = false
    offset += token.length
  }
  return undefined
}

/** How deep the place is that is being read, never too low. */
class Nesting {
  #flow = 0
  #lines: { indent: number; signs: number }[] = []

  line(indent: number): void {
    while ((this.#lines.at(-1)?.indent ?? -1) >= indent) this.#lines.pop()
    this.#lines.push({ indent, signs: 0 })
  }

  sign(token: string): void {
    if (token === '[' || token === '{') this.#flow += 1
    else if (token === ']' || token === '}') this.#flow = Math.max(0, this.#flow - 1)
    else if (token === '-' || token === '?') {
      const line = this.#lines.at(-1)
      if (line) line.signs += 1
    }
  }

  depth(): number {
    return this.#lines.reduce((sum, { signs }) => sum + 1 + signs, this.#flow)
  }
}

function clip(token: string): string {
  return JSON.stringify(token.length > 40 ? `${token.slice(0, 37)}...` : token)
}
