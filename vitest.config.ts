import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    include: [
      'workers/**/*.test.ts',
      'onboard/**/*.test.ts',
      'gateway/**/*.test.ts',
      'scripts/**/*.test.ts',
      'test/**/*.test.ts',
    ],
    exclude: ['**/node_modules/**', 'dist/**', '**/build/**'],
    pool: 'forks',
    // by default one less than there are cores: most tests wait for processes and networks, not for a core
    maxWorkers: 2,
    testTimeout: 20_000,
    hookTimeout: 60_000,
  },
})
