import type { Family } from '../plugin.ts'

/** What rules may read of an HTTP request. */
export const http: Family = {
  name: 'http',
  facts: [
    { name: 'method', type: 'string', doc: 'Request method, lower case.', folded: true },
    { name: 'path', type: 'string', doc: 'Path, percent-decoded, without query.' },
    { name: 'query', type: 'map<string, list<string>>', doc: 'Query parameters, decoded.' },
    {
      name: 'headers',
      type: 'map<string, list<string>>',
      doc: 'Header values by canonical name, e.g. X-Api-Key; Host is not in it.',
    },
    { name: 'body', type: 'string', doc: 'Body after content decoding, up to limits.body_buffer.' },
    { name: 'body_json', type: 'dyn', doc: 'Body as JSON; an empty object when there is no body.' },
    { name: 'host', type: 'string', doc: 'Requested host name, lower case, without port.', folded: true },
    { name: 'scheme', type: 'string', doc: 'https; http where the endpoint is reached without TLS.', folded: true },
  ],
}
