# SSH: a few commands that look at a machine; a person decides all others.
# No terminals, no forwarding, no file transfer.
#
#   clawpatrol secret set ops-key:private_key
#   clawpatrol secret set ops-key:host_pubkey     the host key of the server, so that nobody can stand in for it

endpoint "ssh" "servers" {
  hosts       = ["server.example.com:22"]
  description = "Servers"
  unmatched   = "deny"
}

credential "ssh_key" "ops-key" {
  endpoint = ssh.servers
}

rule "ssh-no-terminal" {
  endpoint  = ssh.servers
  priority  = 1000
  condition = "ssh.verb == 'pty'"
  verdict   = "deny"
  reason    = "no terminals: run one command at a time"
}

rule "ssh-no-forwarding" {
  endpoint  = ssh.servers
  priority  = 1000
  condition = "ssh.verb in ['forward', 'reverse_forward', 'agent_forward', 'x11']"
  verdict   = "deny"
  reason    = "nothing is forwarded"
}

rule "ssh-no-root" {
  endpoint  = ssh.servers
  priority  = 900
  condition = "ssh.user == 'root'"
  verdict   = "deny"
  reason    = "log in as an ordinary user"
}

# The server hands the command to a shell, so every character of it counts: no quotes, pipes, variables or line ends.
rule "ssh-look" {
  endpoint  = ssh.servers
  priority  = 100
  condition = <<-CEL
    ssh.verb == 'exec' && !ssh.command.contains('..')
    && ssh.command.matches(r'^(uptime|hostname|uname -a|whoami|id|date|free -[hm]|df -[hi]|ps (aux|-ef)|ss -tln|ls( -[la]+)?( /[A-Za-z0-9_./-]*)?|systemctl (status|is-active|is-enabled) [a-z0-9][A-Za-z0-9@._-]*|(head|tail)( -n [0-9]{1,4})? /var/log/[A-Za-z0-9_./-]+|docker (ps|images|stats --no-stream))$')
  CEL
  verdict   = "allow"
}

# What is piped into a command a person allows is shown to rules only up to 1 MiB; more of it denies here.
rule "ssh-no-scripts-from-the-net" {
  endpoint  = ssh.servers
  priority  = 50
  condition = <<-CEL
    ssh.verb in ['exec', 'shell']
    && (ssh.command.matches(r'(curl|wget)[^|]*\|') || ssh.stdin.matches(r'(?m)(curl|wget)[^|\n]*\|\s*(sudo\s+)?(ba|z|da)?sh'))
  CEL
  verdict   = "deny"
  reason    = "no scripts straight from the network"
}

rule "ssh-command" {
  endpoint  = ssh.servers
  condition = "ssh.verb == 'exec' || ssh.verb == 'shell'"
  approve   = [builtin.dashboard]
  reason    = "run a command"
}
