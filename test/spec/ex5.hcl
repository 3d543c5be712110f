schema_version = 1

gateway {
  public_url = "https://gate.acme.test"
  wireguard {
    subnet_cidr = "10.80.0.0/24"
    listen_port = 41820
  }
}

endpoint "ssh" "builder" {
  hosts = ["builder.acme.test:22", "builder.acme.test:2222"]
}

credential "ssh_key" "builder-root" {
  endpoint = ssh.builder
}
credential "ssh_key" "builder-ci" {
  endpoint = ssh.builder
}

rule "no-terminals" {
  endpoint  = ssh.builder
  priority  = 100
  condition = "ssh.verb == 'PTY'"
  verdict   = "deny"
  reason    = "terminals are disabled for agents"
}
rule "no-db-tunnels" {
  endpoint  = ssh.builder
  priority  = 100
  condition = "ssh.verb == 'forward' && ssh.forward_port in [3306, 5432]"
  verdict   = "deny"
  reason    = "use the database endpoint instead"
}
rule "script-guard" {
  endpoint  = ssh.builder
  priority  = 50
  condition = "ssh.stdin.matches('(?m)^\\\\s*(sudo|curl .*\\\\| *sh)')"
  verdict   = "deny"
  reason    = "piped script elevates or pipes the network into a shell"
}
rule "root-needs-human" {
  endpoint   = ssh.builder
  credential = ssh_key.builder-root
  condition  = "ssh.verb in ['exec', 'shell']"
  approve    = [builtin.dashboard]
}
rule "ci-commands" {
  endpoint  = ssh.builder
  condition = "ssh.verb == 'exec' && ssh.user == 'ci'"
  verdict   = "allow"
}
rule "ssh-default" {
  endpoint = ssh.builder
  priority = -100
  verdict  = "deny"
  reason   = "action not in the allow list"
}

profile "default" {
  credentials = [
    { credential = ssh_key.builder-root, user = "root" },
    { credential = ssh_key.builder-ci, user = "ci" },
  ]
}
