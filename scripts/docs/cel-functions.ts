/** One operator, macro or function conditions may use. */
export interface CelFunction {
  /** Name as it stands in an expression; `test` compares these with what is registered. */
  readonly name: string
  readonly form: string
  readonly doc: string
  /** A condition that is true of the action in `exampleAction`. */
  readonly example: string
}

/** A group of them, in the order the reference shows. */
export interface CelGroup {
  readonly title: string
  readonly functions: readonly CelFunction[]
}

/** The action every example below is true of, as a fixture describes it. */
export const exampleAction = {
  host: 'api.example.com',
  profile: 'default',
  device: 'build-7',
  at: '2026-11-20T14:30:00Z',
  http: {
    method: 'POST',
    path: '/v1/refunds',
    query: { dry: ['1'], tag: ['a', 'b'] },
    headers: { 'Content-Type': ['application/json'], 'X-Team': ['ops'] },
    body: '{"amount":12,"note":"Late parcel","items":["a","b"]}',
  },
}

/** Everything conditions are written with. */
export const celGroups: readonly CelGroup[] = [
  {
    title: 'Operators',
    functions: [
      {
        name: '==',
        form: '`==` `!=` `<` `<=` `>` `>=`',
        doc: 'Compare. Numbers of different types compare by value.',
        example: 'http.body_json.amount <= 50',
      },
      {
        name: '&&',
        form: '`&&` `||` `!`',
        doc: 'And, or, not. A known side that settles the result does so even when the other is unknown or an error.',
        example: "http.method == 'POST' && !http.path.startsWith('/admin')",
      },
      {
        name: 'in',
        form: '`x in list`, `key in map`',
        doc: 'Whether a list holds a value, or a map a key.',
        example: "http.method in ['POST', 'PUT'] && 'X-Team' in http.headers",
      },
      { name: '?:', form: '`c ? a : b`', doc: 'One or the other.', example: 'size(http.body) > 0 ? true : false' },
      {
        name: '+',
        form: '`+` `-` `*` `/` `%`',
        doc: 'Arithmetic; `+` joins text and lists.',
        example: 'size(http.path) * 2 == 22',
      },
      {
        name: '[]',
        form: '`list[0]`, `map[key]`',
        doc: 'A member; a missing one is an error, so ask with `in` first.',
        example: "http.headers['X-Team'][0] == 'ops'",
      },
    ],
  },
  {
    title: 'Macros',
    functions: [
      {
        name: 'has',
        form: '`has(a.b)`',
        doc: 'Whether `a` has a member `b`; `a` itself must be there.',
        example: 'has(http.body_json.amount)',
      },
      {
        name: 'all',
        form: '`list.all(v, condition)`',
        doc: 'Whether it holds for all.',
        example: "http.query['tag'].all(t, t in ['a', 'b', 'c'])",
      },
      {
        name: 'exists',
        form: '`list.exists(v, condition)`',
        doc: 'Whether it holds for any; on a map `v` is a key.',
        example: "http.headers.exists(name, name.startsWith('X-'))",
      },
      {
        name: 'exists_one',
        form: '`list.exists_one(v, condition)`',
        doc: 'Whether it holds for exactly one.',
        example: "http.query['tag'].exists_one(t, t == 'a')",
      },
      {
        name: 'filter',
        form: '`list.filter(v, condition)`',
        doc: 'Those it holds for.',
        example: "http.query['tag'].filter(t, t != 'a') == ['b']",
      },
      {
        name: 'map',
        form: '`list.map(v, value)`',
        doc: 'A value made of each.',
        example: "http.query['tag'].map(t, t + '!') == ['a!', 'b!']",
      },
    ],
  },
  {
    title: 'Text',
    functions: [
      {
        name: 'contains',
        form: '`text.contains(part)`',
        doc: 'Whether the part is in it.',
        example: "http.body.contains('parcel')",
      },
      {
        name: 'startsWith',
        form: '`text.startsWith(part)`',
        doc: 'Whether it begins with it.',
        example: "http.path.startsWith('/v1/')",
      },
      {
        name: 'endsWith',
        form: '`text.endsWith(part)`',
        doc: 'Whether it ends with it.',
        example: "http.host.endsWith('.example.com')",
      },
      {
        name: 'matches',
        form: '`text.matches(regex)`',
        doc: 'Whether an RE2 regular expression occurs anywhere in it; anchor it with `^` and `$`.',
        example: "http.path.matches('^/v[0-9]+/refunds$')",
      },
      {
        name: 'size',
        form: '`size(x)`, `x.size()`',
        doc: 'Characters of a text, members of a list or map.',
        example: "http.query['tag'].size() == 2",
      },
      {
        name: 'lowerAscii',
        form: '`text.lowerAscii()`',
        doc: 'A-Z in lower case.',
        example: "http.body_json.note.lowerAscii() == 'late parcel'",
      },
      {
        name: 'upperAscii',
        form: '`text.upperAscii()`',
        doc: 'a-z in upper case.',
        example: "http.headers['X-Team'][0].upperAscii() == 'OPS'",
      },
      { name: 'trim', form: '`text.trim()`', doc: 'Without white space at its ends.', example: "' a '.trim() == 'a'" },
      {
        name: 'split',
        form: '`text.split(separator)`, `text.split(separator, most)`',
        doc: 'Its parts.',
        example: "http.path.split('/') == ['', 'v1', 'refunds']",
      },
      {
        name: 'join',
        form: '`list.join(separator)`',
        doc: 'A list of text as one text.',
        example: "http.query['tag'].join(',') == 'a,b'",
      },
      {
        name: 'replace',
        form: '`text.replace(from, to)`, `text.replace(from, to, most)`',
        doc: 'Every occurrence replaced, or the first ones.',
        example: "http.path.replace('/', '.') == '.v1.refunds'",
      },
      {
        name: 'substring',
        form: '`text.substring(from)`, `text.substring(from, to)`',
        doc: 'A part, by characters from 0; `to` is not in it.',
        example: "http.path.substring(1, 3) == 'v1'",
      },
      { name: 'charAt', form: '`text.charAt(index)`', doc: 'One character.', example: "http.path.charAt(0) == '/'" },
      {
        name: 'indexOf',
        form: '`text.indexOf(part)`, `text.indexOf(part, from)`',
        doc: 'Where it first occurs, or -1.',
        example: "http.path.indexOf('refunds') == 4",
      },
      {
        name: 'lastIndexOf',
        form: '`text.lastIndexOf(part)`',
        doc: 'Where it last occurs, or -1.',
        example: "http.path.lastIndexOf('/') == 3",
      },
      { name: 'reverse', form: '`text.reverse()`', doc: 'Backwards.', example: "'abc'.reverse() == 'cba'" },
      {
        name: 'format',
        form: '`text.format(list)`',
        doc: 'A text with `%s`, `%d`, `%f`, `%x` and the like filled in.',
        example: "'%s/%d'.format([http.method, 2]) == 'post/2'",
      },
      {
        name: 'quote',
        form: '`strings.quote(text)`',
        doc: 'In quotation marks, what is special escaped.',
        example: "strings.quote('a') == '\"a\"'",
      },
    ],
  },
  {
    title: 'Sets',
    functions: [
      {
        name: 'contains',
        form: '`sets.contains(a, b)`',
        doc: 'Whether list `a` holds all of list `b`.',
        example: "sets.contains(['a', 'b', 'c'], http.query['tag'])",
      },
      {
        name: 'intersects',
        form: '`sets.intersects(a, b)`',
        doc: 'Whether they share a member.',
        example: "sets.intersects(http.query['tag'], ['b', 'z'])",
      },
      {
        name: 'equivalent',
        form: '`sets.equivalent(a, b)`',
        doc: 'Whether each holds all of the other.',
        example: "sets.equivalent(http.query['tag'], ['b', 'a'])",
      },
    ],
  },
  {
    title: 'Time and rates',
    functions: [
      {
        name: 'getHours',
        form: '`now.getHours(zone)`',
        doc: 'Hour of the day, 0 to 23, in an IANA zone; UTC without one.',
        example: "now.getHours('Europe/Paris') >= 9 && now.getHours('Europe/Paris') < 18",
      },
      {
        name: 'getMinutes',
        form: '`now.getMinutes(zone)`',
        doc: 'Minute of the hour.',
        example: 'now.getMinutes() == 30',
      },
      {
        name: 'getSeconds',
        form: '`now.getSeconds(zone)`',
        doc: 'Second of the minute.',
        example: 'now.getSeconds() == 0',
      },
      {
        name: 'getMilliseconds',
        form: '`now.getMilliseconds()`',
        doc: 'Milliseconds of the second.',
        example: 'now.getMilliseconds() == 0',
      },
      {
        name: 'getDayOfWeek',
        form: '`now.getDayOfWeek(zone)`',
        doc: 'Day of the week, Sunday is 0.',
        example: "now.getDayOfWeek('Europe/Paris') in [1, 2, 3, 4, 5]",
      },
      { name: 'getDate', form: '`now.getDate(zone)`', doc: 'Day of the month from 1.', example: 'now.getDate() == 20' },
      {
        name: 'getDayOfMonth',
        form: '`now.getDayOfMonth(zone)`',
        doc: 'Day of the month from 0.',
        example: 'now.getDayOfMonth() == 19',
      },
      {
        name: 'getDayOfYear',
        form: '`now.getDayOfYear(zone)`',
        doc: 'Day of the year from 0.',
        example: 'now.getDayOfYear() > 300',
      },
      { name: 'getMonth', form: '`now.getMonth(zone)`', doc: 'Month from 0.', example: 'now.getMonth() == 10' },
      { name: 'getFullYear', form: '`now.getFullYear(zone)`', doc: 'Year.', example: 'now.getFullYear() == 2026' },
      {
        name: 'timestamp',
        form: '`timestamp(text)`',
        doc: 'A point in time, from ISO 8601.',
        example: "now < timestamp('2027-01-01T00:00:00Z')",
      },
      {
        name: 'duration',
        form: '`duration(text)`',
        doc: 'A length of time; times and durations add up.',
        example: "now + duration('24h') > timestamp('2026-11-21T00:00:00Z')",
      },
      {
        name: 'rate',
        form: '`rate(name, window)`, `rate(name, window, per)`',
        doc: 'How many actions were allowed in the window; see [rates](#rates).',
        example: "rate('refunds', '10m') < 3",
      },
    ],
  },
  {
    title: 'Conversions',
    functions: [
      {
        name: 'int',
        form: '`int(x)`',
        doc: 'A whole number, from text too.',
        example: "int(http.query['dry'][0]) == 1",
      },
      { name: 'uint', form: '`uint(x)`', doc: 'A whole number that is not negative.', example: "uint('7') == 7u" },
      { name: 'double', form: '`double(x)`', doc: 'A number with a fraction.', example: "double('1.5') > 1.0" },
      { name: 'string', form: '`string(x)`', doc: 'As text.', example: "string(12) == '12'" },
      { name: 'bool', form: '`bool(x)`', doc: 'From `true` or `false` as text.', example: "bool('true')" },
      { name: 'bytes', form: '`bytes(text)`', doc: 'Its bytes in UTF-8.', example: "size(bytes('é')) == 2" },
      { name: 'type', form: '`type(x)`', doc: 'The type of a value.', example: 'type(http.body_json.note) == string' },
      {
        name: 'dyn',
        form: '`dyn(x)`',
        doc: 'Leaves the type to be checked when it runs.',
        example: "dyn(http.path) == '/v1/refunds'",
      },
    ],
  },
  {
    title: 'Bytes',
    functions: [
      { name: 'at', form: '`bytes.at(index)`', doc: 'One byte as a number.', example: "bytes('a').at(0) == 97" },
      { name: 'hex', form: '`bytes.hex()`', doc: 'As hexadecimal text.', example: "bytes('a').hex() == '61'" },
      { name: 'base64', form: '`bytes.base64()`', doc: 'As Base64 text.', example: "bytes('a').base64() == 'YQ=='" },
      { name: 'json', form: '`bytes.json()`', doc: 'The JSON in them.', example: 'bytes(\'{"a":1}\').json().a == 1' },
    ],
  },
]
