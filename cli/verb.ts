import type { Command } from 'commander'

/** Declares a verb with the options that every verb takes, and an example in its help. */
export function verb(program: Command, usage: string, about: string, example: string): Command {
  return program
    .command(usage)
    .description(about)
    .option('-s, --stack <name>', 'the stack; default: the one that Pulumi has selected')
    .option('--config-file <file>', "the stack's config; default: where Pulumi.yaml says")
    .option('--cwd <folder>', "the project's folder; default: the next one above with Pulumi.yaml")
    .addHelpText('after', `\nExample:\n  $ ${example.split('\n').join('\n  $ ')}`)
}

/** Writes lines for people to the standard output. */
export function say(...lines: string[]): void {
  process.stdout.write(`${lines.join('\n')}\n`)
}
