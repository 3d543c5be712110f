import type { Family } from '../../workers/contract/plugin.ts'
import { credentials } from '../../workers/credentials/index.ts'
import { protocols } from '../../workers/protocols/index.ts'
import { approvers } from '../approvals/index.ts'
import { tunnelSchema } from '../tunnels/common-settings.ts'
import { tunnels } from '../tunnels/index.ts'
import { describeFields, type FieldModel, withTypes } from './describe-fields.ts'
import {
  credentialSchema,
  defaultsSchema,
  endpointSchema,
  gatewaySchema,
  pluginSchema,
  profileSchema,
  ruleSchema,
} from './schema.ts'

/** A kind of block: `gateway`, `endpoint "<type>" "<name>"`. */
export interface KindModel {
  readonly kind: string
  /** What its labels are, in order. */
  readonly labels: readonly ('type' | 'name')[]
  readonly summary: string
  /** How many there may be. */
  readonly occurs: 'once' | 'at most once' | 'any number'
  /** Attributes of every block of the kind. */
  readonly fields: readonly FieldModel[]
  /** The types it has, where its first label is one. */
  readonly types: readonly TypeModel[]
}

/** One type of endpoint, credential, approver or tunnel. */
export interface TypeModel {
  readonly type: string
  readonly summary: string
  /** Whether this version can run it; the rest is checked, but no gateway starts with it. */
  readonly isServed: boolean
  /** Attributes besides those of its kind. */
  readonly fields: readonly FieldModel[]
  /** Endpoints: families whose variables rules may read, and the port a host without one stands for. */
  readonly families?: readonly Family[]
  readonly defaultPort?: number
  /** Endpoints: what credentials can fill in there; credentials: what they fill in. */
  readonly targets?: readonly string[]
  /** Credentials: secrets to store, names that pick one among several, what the agent's environment gets. */
  readonly slots?: readonly { readonly name: string; readonly label: string; readonly multiline?: boolean }[]
  readonly disambiguators?: readonly string[]
  readonly variables?: readonly { readonly name: string; readonly value: string; readonly description: string }[]
  /** Tunnels: who shares one when nothing is said. */
  readonly defaultShare?: string
}

/** The language as data: for the reference, the JSON Schema and forms. */
export interface LanguageModel {
  /** Attributes outside any block. */
  readonly fields: readonly FieldModel[]
  readonly kinds: readonly KindModel[]
}

/** Describes every block, type and attribute of the configuration language, from the schemas that read it. */
export function describeLanguage(): LanguageModel {
  return {
    fields: [schemaVersion],
    kinds: [...singles(), endpointKind(), credentialKind(), approverKind(), tunnelKind(), ...named()],
  }
}

const schemaVersion: FieldModel = {
  name: 'schema_version',
  type: { kind: 'whole' },
  words: 'whole number',
  isRequired: false,
  doc: 'Version of the language the files are written in; 1 is the newest.',
  fallback: '0, with a warning',
  example: '1',
  unit: null,
  takesFiles: false,
}

function singles(): readonly KindModel[] {
  return [
    {
      kind: 'gateway',
      labels: [],
      summary: 'Where the gateway listens, how agents arrive, and how long records are kept.',
      occurs: 'once',
      fields: describeFields(gatewaySchema),
      types: [],
    },
    {
      kind: 'defaults',
      labels: [],
      summary: 'What happens where nothing else says.',
      occurs: 'at most once',
      fields: describeFields(defaultsSchema),
      types: [],
    },
  ]
}

function endpointKind(): KindModel {
  return {
    kind: 'endpoint',
    labels: ['type', 'name'],
    summary: 'An upstream that agents may reach, by the hosts it claims. Its type decides what rules can read.',
    occurs: 'any number',
    fields: describeFields(endpointSchema),
    types: protocols.map(({ type, summary, isServed, settings, families, defaultPort, accepts }) => ({
      type,
      summary,
      isServed,
      fields: describeFields(settings),
      families,
      defaultPort,
      targets: accepts,
    })),
  }
}

function credentialKind(): KindModel {
  return {
    kind: 'credential',
    labels: ['type', 'name'],
    summary: 'A secret the gateway puts in on the way. The file names it; `clawpatrol secret set NAME` stores it.',
    occurs: 'any number',
    fields: describeFields(credentialSchema),
    types: credentials.map(({ type, summary, isServed, settings, fills, slots, disambiguators, variables }) => ({
      type,
      summary,
      isServed,
      fields: describeFields(settings),
      targets: fills,
      slots,
      disambiguators,
      variables: variables ?? [],
    })),
  }
}

function approverKind(): KindModel {
  return {
    kind: 'approver',
    labels: ['type', 'name'],
    summary: 'Whom rules may ask. `builtin.dashboard` is always there and needs no block.',
    occurs: 'any number',
    fields: [],
    types: approvers.map(({ type, summary, isServed, settings }) => ({
      type,
      summary,
      isServed,
      fields: describeFields(settings),
    })),
  }
}

function tunnelKind(): KindModel {
  const common = describeFields(tunnelSchema)
  const names = new Set(common.map(({ name }) => name))
  return {
    kind: 'tunnel',
    labels: ['type', 'name'],
    summary: 'A way to an upstream that the gateway cannot reach directly.',
    occurs: 'any number',
    fields: common,
    types: tunnels.map(({ type, summary, isServed, settings, defaultShare }) => ({
      type,
      summary,
      isServed,
      // a type whose credential is required says so itself
      fields: describeFields(settings).filter(({ name, isRequired }) => isRequired || !names.has(name)),
      defaultShare,
    })),
  }
}

function named(): readonly KindModel[] {
  return [
    {
      kind: 'rule',
      labels: ['name'],
      summary: 'Decides actions on the endpoints it names. The first rule that matches decides.',
      occurs: 'any number',
      fields: withTypes(describeFields(ruleSchema), {
        approve: { kind: 'list', of: { kind: 'reference', to: 'approver' } },
      }),
      types: [],
    },
    {
      kind: 'profile',
      labels: ['name'],
      summary:
        'What a device may use: its credentials, the endpoints those are for, the rules on these. A device without a profile of its own has the one called `default`, else the first.',
      occurs: 'any number',
      fields: withTypes(describeFields(profileSchema), {
        credentials: {
          kind: 'list',
          of: {
            kind: 'either',
            of: [
              { kind: 'reference', to: 'credential' },
              { kind: 'map', of: { kind: 'text' } },
            ],
          },
        },
        hitl_async_grants: { kind: 'flag' },
      }),
      types: [],
    },
    {
      kind: 'plugin',
      labels: ['name'],
      summary: 'A program that brings types of its own. No gateway starts with one yet.',
      occurs: 'any number',
      fields: describeFields(pluginSchema),
      types: [],
    },
  ]
}
