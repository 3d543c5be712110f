import { asList, type Node, option, textOf } from './node.ts'

/** What is known of a statement by its node kind alone. */
export interface StatementKind {
  /** A function: it depends on the statement; null: nothing we know. */
  readonly verb: string | ((node: Node) => string | null)
  /** Members whose relations it writes, creates, changes or drops; absent: `relation`. */
  readonly targets?: readonly string[]
  /** Whether it changes anything by itself; absent: yes. */
  readonly writes?: false | ((node: Node) => boolean)
}

const none: readonly string[] = []

/**
 * Every statement of PostgreSQL 18's grammar. Verbs of one word are those the language always had; a kind it used to
 * leave nameless has a verb of several words, so that a rule written before does not come to mean more.
 */
export const statementKinds: { readonly [kind: string]: StatementKind } = {
  SelectStmt: { verb: 'select', targets: none, writes: false },
  ReturnStmt: { verb: 'select', targets: none, writes: false },
  PLAssignStmt: { verb: 'select', targets: none, writes: false },
  InsertStmt: { verb: 'insert' },
  UpdateStmt: { verb: 'update' },
  DeleteStmt: { verb: 'delete' },
  MergeStmt: { verb: 'merge' },
  TruncateStmt: { verb: 'truncate', targets: ['relations'] },
  CopyStmt: { verb: 'copy', targets: none, writes: (node) => node.is_from === true || 'filename' in node },
  LockStmt: { verb: 'lock', targets: none, writes: false },
  CallStmt: { verb: 'call', targets: none, writes: false },
  DoStmt: { verb: 'do', targets: none, writes: false },
  ExplainStmt: { verb: 'explain', targets: none, writes: false },
  PrepareStmt: { verb: 'prepare', targets: none, writes: false },
  ExecuteStmt: { verb: 'execute', targets: none, writes: false },
  DeallocateStmt: { verb: 'deallocate', targets: none, writes: false },
  DeclareCursorStmt: { verb: 'declare', targets: none, writes: false },
  FetchStmt: { verb: (node) => (node.ismove === true ? 'move' : 'fetch'), targets: none, writes: false },
  ClosePortalStmt: { verb: 'close', targets: none, writes: false },
  ListenStmt: { verb: 'listen', targets: none, writes: false },
  UnlistenStmt: { verb: 'unlisten', targets: none, writes: false },
  NotifyStmt: { verb: 'notify', targets: none, writes: false },
  LoadStmt: { verb: 'load' },
  CheckPointStmt: { verb: 'checkpoint' },
  DiscardStmt: {
    verb: 'discard',
    targets: none,
    // temporary tables go with ALL and TEMP
    writes: (node) => node.target !== 'DISCARD_PLANS' && node.target !== 'DISCARD_SEQUENCES',
  },
  VariableSetStmt: { verb: setVerb, targets: none, writes: false },
  VariableShowStmt: { verb: 'show', targets: none, writes: false },
  ConstraintsSetStmt: { verb: 'set', targets: none, writes: false },
  TransactionStmt: {
    verb: (node) => transactionVerbs[String(node.kind)] ?? null,
    targets: none,
    // what another session prepared is done, or undone
    writes: (node) => /^TRANS_STMT_(COMMIT|ROLLBACK)_PREPARED$/.test(String(node.kind)),
  },
  VacuumStmt: { verb: (node) => (node.is_vacuumcmd === true ? 'vacuum' : 'analyze'), targets: ['rels'] },
  ClusterStmt: { verb: 'cluster' },
  ReindexStmt: { verb: 'reindex' },
  RefreshMatViewStmt: { verb: 'refresh' },
  CommentStmt: { verb: 'comment' },
  RenameStmt: { verb: 'rename' },
  GrantStmt: { verb: grantVerb, targets: ['objects'] },
  GrantRoleStmt: { verb: grantVerb },

  CreateStmt: { verb: 'create' },
  CreateTableAsStmt: { verb: 'create' },
  ViewStmt: { verb: 'create', targets: ['view'] },
  IndexStmt: { verb: 'create' },
  CreateSeqStmt: { verb: 'create', targets: ['sequence'] },
  CreateSchemaStmt: { verb: 'create' },
  CreateFunctionStmt: { verb: 'create' },
  CreateTrigStmt: { verb: 'create' },
  CreateEnumStmt: { verb: 'create' },
  CreateDomainStmt: { verb: 'create' },
  CreateRoleStmt: { verb: 'create' },
  CreatedbStmt: { verb: 'create' },
  RuleStmt: { verb: 'create' },
  CompositeTypeStmt: { verb: 'create', targets: none },
  CreateRangeStmt: { verb: 'create' },
  DefineStmt: { verb: 'create' },
  CreateStatsStmt: { verb: 'create', targets: ['relations'] },
  CreateCastStmt: { verb: 'create' },
  CreateConversionStmt: { verb: 'create' },
  CreateOpClassStmt: { verb: 'create' },
  CreateOpFamilyStmt: { verb: 'create' },
  CreateTransformStmt: { verb: 'create' },
  CreatePolicyStmt: { verb: 'create policy', targets: ['table'] },
  CreateExtensionStmt: { verb: 'create extension' },
  CreateFdwStmt: { verb: 'create foreign data wrapper' },
  CreateForeignServerStmt: { verb: 'create server' },
  CreateForeignTableStmt: { verb: 'create foreign table', targets: ['base'] },
  CreateUserMappingStmt: { verb: 'create user mapping' },
  CreatePublicationStmt: { verb: 'create publication', targets: none },
  CreateSubscriptionStmt: { verb: 'create subscription' },
  CreateEventTrigStmt: { verb: 'create event trigger' },
  CreatePLangStmt: { verb: 'create language' },
  CreateAmStmt: { verb: 'create access method' },
  CreateTableSpaceStmt: { verb: 'create tablespace' },
  ImportForeignSchemaStmt: { verb: 'import foreign schema', targets: ['table_list'] },

  AlterTableStmt: { verb: 'alter' },
  AlterSeqStmt: { verb: 'alter', targets: ['sequence'] },
  AlterDomainStmt: { verb: 'alter' },
  AlterEnumStmt: { verb: 'alter' },
  AlterRoleStmt: { verb: 'alter' },
  AlterRoleSetStmt: { verb: 'alter' },
  AlterDatabaseStmt: { verb: 'alter' },
  AlterDatabaseSetStmt: { verb: 'alter' },
  AlterDatabaseRefreshCollStmt: { verb: 'alter' },
  AlterObjectSchemaStmt: { verb: 'alter' },
  AlterOwnerStmt: { verb: 'alter' },
  AlterFunctionStmt: { verb: 'alter' },
  AlterCollationStmt: { verb: 'alter' },
  AlterObjectDependsStmt: { verb: 'alter' },
  AlterOpFamilyStmt: { verb: 'alter' },
  AlterOperatorStmt: { verb: 'alter' },
  AlterStatsStmt: { verb: 'alter' },
  AlterTypeStmt: { verb: 'alter' },
  AlterTSConfigurationStmt: { verb: 'alter' },
  AlterTSDictionaryStmt: { verb: 'alter' },
  AlterTableMoveAllStmt: { verb: 'alter' },
  ReplicaIdentityStmt: { verb: 'alter' },
  AlterPolicyStmt: { verb: 'alter policy', targets: ['table'] },
  AlterSystemStmt: { verb: 'alter system' },
  AlterDefaultPrivilegesStmt: { verb: 'alter default privileges' },
  AlterExtensionStmt: { verb: 'alter extension' },
  AlterExtensionContentsStmt: { verb: 'alter extension' },
  AlterFdwStmt: { verb: 'alter foreign data wrapper' },
  AlterForeignServerStmt: { verb: 'alter server' },
  AlterUserMappingStmt: { verb: 'alter user mapping' },
  AlterPublicationStmt: { verb: 'alter publication', targets: none },
  AlterSubscriptionStmt: { verb: 'alter subscription' },
  AlterEventTrigStmt: { verb: 'alter event trigger' },
  AlterTableSpaceOptionsStmt: { verb: 'alter tablespace' },

  DropStmt: { verb: 'drop' },
  DropRoleStmt: { verb: 'drop' },
  DropdbStmt: { verb: 'drop' },
  DropTableSpaceStmt: { verb: 'drop tablespace' },
  DropSubscriptionStmt: { verb: 'drop subscription' },
  DropUserMappingStmt: { verb: 'drop user mapping' },
  DropOwnedStmt: { verb: 'drop owned' },
  ReassignOwnedStmt: { verb: 'reassign owned' },
  SecLabelStmt: { verb: 'security label' },
}

const transactionVerbs: { readonly [kind: string]: string } = {
  TRANS_STMT_BEGIN: 'begin',
  TRANS_STMT_START: 'begin',
  TRANS_STMT_COMMIT: 'commit',
  TRANS_STMT_COMMIT_PREPARED: 'commit',
  TRANS_STMT_ROLLBACK: 'rollback',
  TRANS_STMT_ROLLBACK_TO: 'rollback',
  TRANS_STMT_ROLLBACK_PREPARED: 'rollback',
  TRANS_STMT_SAVEPOINT: 'savepoint',
  TRANS_STMT_RELEASE: 'release',
  TRANS_STMT_PREPARE: 'prepare',
}

function grantVerb(node: Node): string {
  return node.is_grant === true ? 'grant' : 'revoke'
}

function setVerb(node: Node): string {
  return verbOfSetting(String(node.name ?? ''), node.is_local === true)
}

/** Verb of setting a parameter: those that change who acts have their own. */
export function verbOfSetting(name: string, isLocal: boolean): string {
  const local = isLocal ? 'local ' : ''
  switch (name.toLowerCase()) {
    case 'role':
      return `set ${local}role`
    case 'session_authorization':
      return `set ${local}session authorization`
    default:
      return 'set'
  }
}

/** Whether an option such as EXPLAIN's ANALYZE is on: written without a value, or with one that does not say no. */
export function isOn(options: unknown, name: string): boolean {
  const written = asList(options).some((item) => option([item], name) !== null && !isNo(option([item], name)))
  return written
}

function isNo(element: Node | null): boolean {
  if (element?.arg === undefined) return false
  const text = textOf(element.arg)?.toLowerCase()
  if (text !== undefined) return ['off', 'false', 'no', '0'].includes(text)
  const integer = (element.arg as Node).Integer as Node | undefined
  if (integer !== undefined) return (integer.ival ?? 0) === 0
  const boolean = (element.arg as Node).Boolean as Node | undefined
  return boolean !== undefined && boolean.boolval !== true
}
