{
  "targets": [
    {
      "target_name": "golib",
      "type": "none",
      "actions": [
        {
          "action_name": "go_build",
          "inputs": ["scripts/go-build.mjs", "scripts/tailscale-tags.mjs", "go/go.mod", "go/go.sum", "<!@(node scripts/list.mjs go .go)"],
          "outputs": ["<(module_root_dir)/build/libclaw.a", "<(module_root_dir)/build/libclaw.h"],
          "action": ["node", "scripts/go-build.mjs", "<(module_root_dir)/build/libclaw.a"]
        }
      ]
    },
    {
      "target_name": "bindings",
      "dependencies": ["golib"],
      "sources": ["src/addon.c", "src/signals.c", "src/threads.c"],
      "include_dirs": ["build"],
      "defines": ["NAPI_VERSION=8", "_GNU_SOURCE"],
      "cflags": ["-fvisibility=hidden", "-Wall", "-Wextra"],
      "libraries": ["<(module_root_dir)/build/libclaw.a"],
      "ldflags": ["-Wl,-z,nodelete", "-Wl,-Bsymbolic", "-Wl,--exclude-libs,ALL", "-Wl,-s", "-lpthread", "-lresolv"]
    }
  ],
  "conditions": [
    [
      "OS=='linux'",
      {
        "targets": [
          {
            "target_name": "netns",
            "type": "executable",
            "sources": ["<!@(node scripts/list.mjs src/netns .c)"],
            "cflags": ["-Wall", "-Wextra", "-Werror", "-O2"],
            "ldflags": ["-Wl,-s"]
          }
        ]
      }
    ]
  ]
}
