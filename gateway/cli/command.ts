import type { Command as Commander } from 'commander'

/** One option as commander writes it, e.g. `-n, --limit <count>`. */
export interface Option {
  readonly flags: string
  readonly summary: string
  readonly default?: string | boolean
  /** May be given more than once; the value becomes a list. */
  readonly repeatable?: boolean
}

/** What a command gets once its words are parsed. */
export interface Invocation {
  /** Positional arguments in order, the rest after `--` included. */
  readonly args: readonly string[]
  /** Options by their long name in camel case. */
  readonly options: { readonly [name: string]: string | boolean | readonly string[] | undefined }
}

/** A CLI command as data: parse → call → print. Sub-commands are given instead of `run`. */
export interface Command {
  readonly name: string
  readonly summary: string
  /** Positional arguments as commander writes them, e.g. `<url>` or `[command...]`. */
  readonly args?: readonly { readonly word: string; readonly summary: string }[]
  readonly options?: readonly Option[]
  readonly examples?: readonly string[]
  /** Exit codes worth knowing besides 0. */
  readonly exitCodes?: readonly { readonly code: number; readonly meaning: string }[]
  /** Everything after the first positional word belongs to another program: options are not parsed there. */
  readonly passThrough?: boolean
  readonly subcommands?: readonly Command[]
  /** Resolves with the exit code. A thrown ClawError is printed as one sentence with its hint, exit code 1. */
  readonly run?: (invocation: Invocation) => Promise<number>
}

/** Adds a command, with its options and sub-commands, to a commander program. */
export function register(parent: Commander, command: Command, finish: (code: number) => void): void {
  const word = parent.command(command.name).description(command.summary).helpCommand(false)
  for (const arg of command.args ?? []) word.argument(arg.word, arg.summary)
  for (const option of command.options ?? []) {
    if (option.repeatable === true) word.option(option.flags, option.summary, collect, [])
    else word.option(option.flags, option.summary, option.default)
  }
  word.addHelpText('after', trailer(command))
  for (const sub of command.subcommands ?? []) register(word, sub, finish)
  if (command.passThrough === true) word.passThroughOptions()
  const { run } = command
  if (run === undefined) return
  word.action(async () => {
    finish(await run({ args: word.args, options: word.opts() }))
  })
}

function collect(value: string, before: readonly string[]): readonly string[] {
  return [...before, value]
}

function trailer(command: Command): string {
  const lines: string[] = []
  if (command.examples !== undefined) lines.push('', 'Examples:', ...command.examples.map((line) => `  ${line}`))
  if (command.exitCodes !== undefined) {
    lines.push(
      '',
      'Exit codes:',
      ...command.exitCodes.map(({ code, meaning }) => `  ${String(code).padEnd(4)}${meaning}`),
    )
  }
  return lines.join('\n')
}
