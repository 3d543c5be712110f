import type { Family } from '../plugin.ts'

/** What rules may read of a SQL statement. */
export const sql: Family = {
  name: 'sql',
  backstop: true,
  facts: [
    {
      name: 'verb',
      type: 'string',
      doc: 'What the statement is, lower case: select, insert, set role, …; cancel for a request to cancel one.',
      folded: true,
    },
    { name: 'verbs', type: 'list<string>', doc: 'verb and those of every nested statement that runs with it, sorted.' },
    {
      name: 'tables',
      type: 'list<string>',
      doc: 'Every relation it names, sorted; sales.orders gives also orders. Where the session chose s, orders gives s.orders.',
    },
    { name: 'target_tables', type: 'list<string>', doc: 'The relations it writes, creates, changes or drops.' },
    { name: 'columns', type: 'list<string>', doc: 'Columns it names, without their tables; * where all are read.' },
    { name: 'functions', type: 'list<string>', doc: 'Functions it calls, lower case, sorted.' },
    { name: 'statement', type: 'string', doc: 'The text of this statement.' },
    { name: 'database', type: 'string', doc: 'Database of the session.', mayBeUnknown: true },
    {
      name: 'params',
      type: 'map<string, string>',
      doc: 'Values of bind parameters as text, by the name the statement uses: 1 for $1; a NULL is not in it.',
      mayBeUnknown: true,
    },
    {
      name: 'settings',
      type: 'map<string, string>',
      doc: 'ClickHouse settings of the statement, given beside its text or in SETTINGS or SET: max_threads to 4.',
      mayBeUnknown: true,
    },
    { name: 'is_write', type: 'bool', doc: 'Whether it may change anything.' },
    {
      name: 'is_unqualified',
      type: 'bool',
      doc: 'Whether an UPDATE, DELETE or MERGE in it has no WHERE, or one true of every row: 1 = 1, id = id.',
    },
    { name: 'uses_program', type: 'bool', doc: 'Whether it starts a program on the server.' },
    { name: 'statement_count', type: 'int', doc: 'Statements sent together with it, itself included.' },
  ],
}
