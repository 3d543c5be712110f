import type { Family } from '../../workers/contract/plugin.ts'
import type { FailsafeCause } from '../../workers/contract/verdict.ts'
import { celGroups, exampleAction } from './cel-functions.ts'
import { banner, code, page, tableOf } from './markdown.ts'
import { decisionOrder, introduction, rates, shadow, sqlFacts, timeWindows, unknowns } from './rules-prose.ts'

/** The page on what rules can read, how they are written and how they decide. */
export function rulesReference(families: readonly Family[]): string {
  return page(
    banner('the families of rules'),
    '# Rules reference',
    introduction,
    '## How an action is decided',
    decisionOrder,
    '## Variables',
    variables(families),
    ...families.flatMap(familySection),
    '## Conditions',
    conditions,
    ...celGroups.flatMap(({ title, functions }) => [
      `### ${title}`,
      tableOf(
        ['form', 'what it is', 'example'],
        functions.map(({ form, doc, example }) => [form, doc, code(example)]),
      ),
    ]),
    '## Unknown facts',
    unknowns,
    '## Shadow rules',
    shadow,
    '## Time windows',
    timeWindows,
    '## Rates',
    rates,
    '## When it fails closed',
    `What cannot be decided is denied. The record and \`clawpatrol logs\` show why:`,
    tableOf(
      ['cause', 'when'],
      Object.entries(causes).map(([cause, when]) => [code(cause), when]),
    ),
    reasons,
  )
}

function variables(families: readonly Family[]): string {
  return [
    tableOf(
      ['variable', 'type', 'what it is'],
      [
        ['`profile`', 'string', 'Name of the profile the device has.'],
        ['`device`', 'string', 'Name of the device, as `clawpatrol device list` shows it.'],
        ['`endpoint`', 'string', 'Name of the endpoint.'],
        ['`now`', 'timestamp', 'When the action is judged.'],
        ...families.map(({ name, facts }) => [
          code(name),
          'object',
          `${facts.map((fact) => fact.name).join(', ')}; see [${name}](#${name})`,
        ]),
      ],
    ),
    'The first four are in every rule; which of the others a rule may read depends on the type of its endpoint.',
  ].join('\n\n')
}

function familySection(family: Family): readonly string[] {
  return [
    `### ${family.name}`,
    tableOf(
      ['fact', 'type', 'what it is'],
      family.facts.map(({ name, type, doc, folded }) => [
        code(`${family.name}.${name}`),
        code(type),
        `${doc}${folded === true ? ' *Case does not matter.*' : ''}`,
      ]),
    ),
    family.name === 'sql' ? sqlFacts : '',
  ]
}

const conditions = `A condition is an expression in CEL, the Common Expression Language, whose result is true or false; it is checked
when the configuration is loaded. Regular expressions are RE2 and must be right when they are written out. At facts marked
*case does not matter*, a text written beside them in a comparison, \`in\`, \`contains\`, \`startsWith\` or \`endsWith\` may be
in any case; \`matches\` is not among these.

A key that is not in a map, a member that is not in JSON, an index out of range: these are errors, and a rule that ends in
one denies. Ask first: \`'X-Team' in http.headers && http.headers['X-Team'][0] == 'ops'\`, \`has(http.body_json.amount) && …\`.

A condition is bounded: 65,536 characters, 2,000 nodes, 64 levels, two nested macros over lists. One that takes too long on an
action, about 5 ms, ends in an error. All rules together have about 200 ms for one action: the rule at which they are used up
ends in an error, and so denies. Rules in shadow mode have 50 ms of their own; those that come later are noted as not evaluated.

The examples below are true of this action:

\`\`\`json
${JSON.stringify(exampleAction, null, 2).replace(/\[\s+([^[\]{}]*?)\s+\]/g, (_, items: string) => `[${items.replace(/\s+/g, ' ')}]`)}
\`\`\``

const causes: { readonly [cause in FailsafeCause]: string } = {
  unevaluable: 'A rule needed a fact that is unknown, or its condition ended in an error.',
  approval_unavailable: 'The rule asks for approval and nobody can be asked.',
  host_lost: 'The part of the gateway that serves the flow lost its connection to the rest.',
  recorder_stalled: 'The action could not be recorded.',
  secret_missing: 'The credential it would be sent with has no secret.',
  endpoint_gone: 'A reload removed the endpoint while the flow was open.',
  malformed: 'The bytes are not valid in the protocol of the endpoint.',
}

const reasons = `What the agent reads tells the rule and no more, since more would tell it how to get around the rule:

| situation | reason |
| --- | --- |
| a rule could not be evaluated | \`rule "NAME" could not be evaluated against this request (CAUSE); failing closed\` |
| SQL that was not understood, and no rule allows it | \`request bytes were CAUSE and no rule explicitly allowed the request; failing closed\` |
| nothing matched and \`unmatched = "deny"\` | \`no rule allows this\` |
| a rule asks for approval | \`approval required but HITL is not configured\` |
| a deny rule without \`reason\` | \`denied by policy\` |

CAUSE is \`truncated at the inspection buffer\`, \`unparseable\`, both joined by \`and\`, or \`evaluation error\`.`
