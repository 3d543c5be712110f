# The least a gateway needs: a network for its agents, one API, one key, and who may use it.
# Store the key once:  clawpatrol secret set weather-key
schema_version = 1

gateway {
  wireguard {
    subnet_cidr = "10.77.0.0/24"
    endpoint    = "127.0.0.1:51820"
  }
}

endpoint "https" "weather" {
  hosts = ["api.weather.example"]
}

credential "bearer_token" "weather-key" {
  endpoint = https.weather
}

profile "default" {
  credentials = [bearer_token.weather-key]
}
