import type { Command } from '../../gateway/cli/command.ts'
import { banner, code, page, tableOf } from './markdown.ts'

/** The page on every command, from what `--help` shows. */
export function cliReference(commands: readonly Command[]): string {
  return page(
    banner('the commands themselves'),
    '# Command line',
    `Every command has \`--help\`. Exit code 0 means done, 1 failed, 2 wrong usage, unless a command says otherwise below.
A word in \`<…>\` is required, one in \`[…]\` is not.`,
    tableOf(
      ['command', 'what it does'],
      commands.map(({ name, summary }) => [`[${code(name)}](#clawpatrol-${name})`, summary]),
    ),
    ...commands.flatMap((command) => section(['clawpatrol'], command, 2)),
  )
}

function section(parents: readonly string[], command: Command, depth: number): readonly string[] {
  const words = [...parents, command.name]
  const args = (command.args ?? []).map(({ word }) => word)
  const usage = [...words, ...((command.options ?? []).length > 0 ? ['[options]'] : []), ...args].join(' ')
  const isGroup = command.run === undefined && command.subcommands !== undefined
  return [
    `${'#'.repeat(depth)} ${words.join(' ')}`,
    `${command.summary.slice(0, 1).toUpperCase()}${command.summary.slice(1)}.`,
    isGroup ? '' : fenced('', [usage]),
    tableOf(
      ['word', 'what it is'],
      (command.args ?? []).map(({ word, summary }) => [code(word), summary]),
    ),
    tableOf(
      ['option', 'what it does'],
      (command.options ?? []).map((option) => [
        code(option.flags),
        `${option.summary}${option.repeatable === true ? ' (may be repeated)' : ''}${
          typeof option.default === 'string' ? ` (default: ${option.default})` : ''
        }`,
      ]),
    ),
    tableOf(
      ['exit code', 'meaning'],
      (command.exitCodes ?? []).map(({ code: number, meaning }) => [String(number), meaning]),
    ),
    command.examples === undefined ? '' : fenced('sh', command.examples),
    ...(command.subcommands ?? []).flatMap((sub) => section(words, sub, depth + 1)),
  ]
}

function fenced(language: string, lines: readonly string[]): string {
  return [`\`\`\`${language}`, ...lines, '```'].join('\n')
}
