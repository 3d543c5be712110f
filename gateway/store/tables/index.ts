export { actions, samples } from './actions.ts'
export { devices, tokens, wgPeers } from './devices.ts'
export { sealed } from './sealed.ts'
export { counters, names, settings } from './settings.ts'
