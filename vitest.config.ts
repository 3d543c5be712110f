import { defineConfig } from 'vitest/config'

/** Tests that start whole gateways and captures, and measure what happens in time. */
const whole = [
  'test/e2e/**/*.test.ts',
  'test/hazards/**/*.test.ts',
  'test/tailnet/robust.test.ts',
  'onboard/capture/**/*.test.ts',
]

const shared = { pool: 'forks', testTimeout: 20_000, hookTimeout: 60_000 } as const

export default defineConfig({
  test: {
    projects: [
      {
        test: {
          ...shared,
          name: 'parts',
          include: ['{workers,onboard,gateway,scripts,test}/**/*.test.ts'],
          exclude: ['**/node_modules/**', 'dist/**', '**/build/**', ...whole],
          // by default one less than there are cores: many of these wait for processes and networks, not for a core
          maxWorkers: 2,
          sequence: { groupOrder: 0 },
        },
      },
      {
        test: {
          ...shared,
          name: 'whole',
          include: whole,
          exclude: ['**/node_modules/**', 'dist/**', '**/build/**'],
          maxWorkers: 1,
          sequence: { groupOrder: 1 },
        },
      },
    ],
  },
})
