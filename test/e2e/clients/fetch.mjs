// Node's own fetch, as an agent would use it: prints status and body of each URL.
for (const url of process.argv.slice(2)) {
  const response = await fetch(url, { headers: { authorization: `Bearer ${process.env.AGENT_TOKEN ?? ''}` } })
  process.stdout.write(`${response.status} ${await response.text()}\n`)
}
