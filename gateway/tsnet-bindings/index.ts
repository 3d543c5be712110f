export { type ClientOptions, startClient, tunnelMtu } from './client.ts'
export { type Address, Datagrams, Flow, Query, type RelayResult } from './flows.ts'
export { generateKey, publicKey } from './keys.ts'
export { helperPath } from './load.ts'
export { closeFd, dial, hideMemory, onFault, receiveFd, socketpair } from './sockets.ts'
export { startTailnetClient, type TailnetClient, type TailnetClientOptions, TailnetFault } from './tailnet-client.ts'
export { startTailnetLogin, type TailnetLogin, type TailnetLoginOptions, type TailnetSeen } from './tailnet-login.ts'
export {
  type FunnelCertificate,
  startTailnetNode,
  type TailnetConnection,
  TailnetNode,
  type TailnetNodeOptions,
  type TailnetNodeStatus,
  type TailnetPeer,
} from './tailnet-node.ts'
export {
  type Handlers,
  type Peer,
  type Stats,
  startLoopback,
  startWireguard,
  Transport,
  WireguardServer,
} from './transports.ts'
