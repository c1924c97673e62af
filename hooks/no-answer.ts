/** Why no answer came, in a word. */
export function noAnswer(error: unknown): string {
  return (error as { cause?: { code?: string } }).cause?.code ?? (error as Error).message
}
