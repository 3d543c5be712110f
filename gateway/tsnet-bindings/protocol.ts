/** Operations of the Go half; go/ops.go has the same list. */
export const op = {
  startWireguard: 1,
  startLoopback: 2,
  startClient: 3,
  stop: 4,
  addPeer: 5,
  removePeer: 6,
  take: 10,
  relay: 11,
  refuse: 12,
  abort: 13,
  peek: 14,
  peekDone: 15,
  relayDatagrams: 20,
  dropDatagrams: 21,
  abortDatagrams: 22,
  reply: 23,
  dial: 30,
  receiveFd: 31,
  closeFd: 32,
  readStats: 40,
  readPeers: 41,
  readSocketpair: 42,
  readPathMtu: 43,
  startTailnet: 50,
  advertise: 51,
  whois: 52,
  listen: 53,
  unlisten: 54,
  tailnetStatus: 55,
  endNode: 56,
  logout: 57,
  endpoints: 58,
  startTailnetClient: 60,
  attachTun: 61,
  tailnetDial: 62,
  logoutClient: 63,
  cancelTailnetClient: 64,
  startLogin: 65,
  loginUrl: 66,
  listPeers: 67,
  dialPeer: 68,
  logoutLogin: 69,
} as const

/** Kinds of event the Go half sends; go/emit.go has the same list. */
export const event = { reply: 1, flow: 2, peek: 3, datagrams: 4, query: 5, fault: 6, accepted: 7 } as const

/** What the addon exports; see src/addon.c. */
export interface Addon {
  attach(callback: (kind: number, id: number, a: number, b: number, text: string, data: Buffer | null) => void): void
  call(op: number, request: number, id: number, a: number, b: number, text: string, data: Buffer | null): void
  read(op: number, id: number, text: string): string
  keep(more: boolean): void
  onStack(): number
  undumpable(): void
}
