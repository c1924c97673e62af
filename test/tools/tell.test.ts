import { expect, it } from 'vitest'
import { wrap } from '../../tools/demo/tell.ts'

it('breaks a long line at its spaces and sets in what follows', () => {
  expect(wrap('one two three four', 9)).toEqual(['one two', '  three', '  four'])
})

it('leaves a line that fits as it is', () => {
  expect(wrap('', 9)).toEqual([''])
  expect(wrap('one two', 7)).toEqual(['one two'])
})

it('leaves a word whole that is longer than the line', () => {
  expect(wrap('a /very/long/path/of/a/file b', 10)).toEqual([
    'a',
    '  /very/long/path/of/a/file',
    '  b',
  ])
  expect(wrap('/very/long/path/of/a/file', 10)).toEqual(['/very/long/path/of/a/file'])
})
