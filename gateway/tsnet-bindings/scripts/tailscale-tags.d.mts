export const tailscaleTags: readonly string[]
