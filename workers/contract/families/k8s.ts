import type { Family } from '../plugin.ts'

/** What rules may read of a Kubernetes API call, besides the request it is made with. */
export const k8s: Family = {
  name: 'k8s',
  facts: [
    {
      name: 'verb',
      type: 'string',
      doc: 'get, list, watch, create, update, patch, delete, or meta for discovery and health. A patch or update may create.',
      folded: true,
    },
    { name: 'resource', type: 'string', doc: 'Plural name, with sub-resource: pods, pods/exec.' },
    { name: 'namespace', type: 'string', doc: 'Namespace; empty for cluster-wide objects.' },
    {
      name: 'name',
      type: 'string',
      doc: 'Name of the object; empty for collections, and for a create, whose body has it.',
    },
    { name: 'params', type: 'map<string, string>', doc: 'First value of every query parameter.' },
    { name: 'group', type: 'string', doc: 'API group; empty for the core group.' },
    { name: 'version', type: 'string', doc: 'API version, e.g. v1.' },
    {
      name: 'is_collection',
      type: 'bool',
      doc: 'Whether the call is about a whole collection, e.g. delete of all pods.',
    },
    { name: 'all_params', type: 'map<string, list<string>>', doc: 'All values of every query parameter.' },
    { name: 'proxy_path', type: 'string', doc: 'What follows a proxy sub-resource; empty otherwise.' },
  ],
}
