// Who may import whom: the table of CONTRIBUTING.md, checked.
import { readFileSync } from 'node:fs'
import { dirname, join, normalize } from 'node:path'
import { trackedFiles } from './check-sizes.mjs'

const specifier =
  /(?:^|\n)\s*(?:import|export)\b[^'"\n;]*?(?:from\s*)?['"]([^'"]+)['"]|\bimport\(\s*['"]([^'"]+)['"]\s*\)/g

/** Rules are tried in order; the first whose `from` fits a file decides what it may import of ours. */
const rules = [
  { from: /^(test|scripts)\/|\.test\.ts$|^[^/]+\.config\.ts$/, may: [/.*/] },
  { from: /^workers\/contract\//, may: [/^workers\/contract\//] },
  { from: /^workers\/(rules)\//, may: [/^workers\/contract\//, /^workers\/rules\//] },
  { from: /^workers\/wire\//, may: [/^workers\/contract\//, /^workers\/wire\//] },
  {
    from: /^workers\/upstream\//,
    may: [/^workers\/(contract|rules|wire|upstream)\//, /^workers\/(credentials|protocols)\/(index|runtimes)\.ts$/],
  },
  {
    from: /^workers\/(protocols|credentials)\/(index)\.ts$/,
    may: [/^workers\/contract\//, /^workers\/(protocols|credentials)\/[^/]+\/definition\.ts$/],
  },
  {
    from: /^workers\/protocols\/offline\.ts$/,
    may: [/^workers\/contract\//, /^workers\/protocols\/[^/]+\/offline\.ts$/],
  },
  {
    from: /^workers\/(protocols|credentials)\/(runtimes)\.ts$/,
    may: [/^workers\/contract\//, /^workers\/(protocols|credentials)\/[^/]+\/([^/]+\/)?runtime\.ts$/],
  },
  { from: /^workers\/(protocols|credentials)\/[^/]+\/definition\.ts$/, may: [/^workers\/contract\//] },
  {
    from: /^workers\/(protocols|credentials)\/[^/]+\//,
    may: [/^workers\/(contract|rules|wire|upstream)\//, /^workers\/credentials\/slot\.ts$/],
    own: true,
  },
  {
    from: /^workers\//,
    may: [
      /^workers\/(contract|rules|wire|upstream)\//,
      /^workers\/[^/]+\.ts$/,
      /^workers\/(protocols|credentials)\/(index|runtimes)\.ts$/,
    ],
  },
  { from: /^onboard\/capture\//, may: [/^workers\/contract\//, /^onboard\//, /^tsnet-bindings$/] },
  { from: /^onboard\//, may: [/^workers\/contract\//, /^onboard\//] },
  { from: /^web\//, may: [/^workers\/contract\//, /^web\//] },
  { from: /^gateway\/tsnet-bindings\//, may: [/^gateway\/tsnet-bindings\//] },
  { from: /^gateway\/tailnet\//, may: [/^workers\/contract\//, /^gateway\/tailnet\//, /^tsnet-bindings$/] },
  {
    from: /^gateway\//,
    may: [
      /^workers\/(contract|rules|wire)\//,
      /^workers\/[^/]+\/index\.ts$/,
      /^workers\/protocols\/offline\.ts$/,
      /^workers\/[^/]+\/[^/]+\/definition\.ts$/,
      /^(onboard|web|gateway)\//,
    ],
  },
]

/** Local packages a file may name like a folder of ours. */
const packages = new Set(['tsnet-bindings'])

/** @returns {string[]} one line for each import the table does not allow */
export function checkImports(root) {
  return trackedFiles(root)
    .filter((file) => /\.(ts|mts)$/.test(file) && !file.endsWith('.d.ts'))
    .flatMap((file) => problemsOf(file, readFileSync(join(root, file), 'utf8')))
}

/** Exported for its own test: the problems of one file. */
export function problemsOf(file, text) {
  const rule = rules.find(({ from }) => from.test(file))
  if (rule === undefined) return [`${file}: no import rule covers it`]
  return [...text.matchAll(specifier)]
    .map((match) => target(file, match[1] ?? match[2]))
    .filter((to) => to !== null && !allowed(rule, file, to))
    .map((to) => `${file} must not import ${to}`)
}

function target(file, name) {
  if (packages.has(name)) return name
  return name.startsWith('.') ? normalize(join(dirname(file), name)) : null
}

function allowed(rule, file, to) {
  if (rule.own === true && pluginOf(to) === pluginOf(file)) return true
  if (/^gateway\//.test(file) && !/\.test\.ts$/.test(file) && /^workers\/.*\/runtime\.ts$/.test(to)) return false
  return rule.may.some((pattern) => pattern.test(to))
}

/** `workers/protocols/clickhouse` of a file in it or in a folder of it. */
function pluginOf(file) {
  return file.split('/').slice(0, 3).join('/')
}
