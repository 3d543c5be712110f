/**
 * What tailscale is built without, here and in tests: one list, so that what one build compiled serves the others.
 * Without `logtail` no node writes a log of its own into its state directory; the rest is for machines that people use.
 */
export const tailscaleTags = [
  'logtail',
  'systray',
  'aws',
  'kube',
  'completion',
  'tap',
  'ssh',
  'drive',
  'taildrop',
  'tpm',
  'desktop_sessions',
  'clientupdate',
].map((feature) => `ts_omit_${feature}`)
