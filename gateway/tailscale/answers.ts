import { z } from 'zod'

const list = () =>
  z
    .array(z.string())
    .nullish()
    .transform((value): readonly string[] => value ?? [])

/** `POST oauth/token` */
export const tokenAnswer = z.object({
  access_token: z.string().regex(/^[\x21-\x7e]{1,4096}$/),
  expires_in: z.number().positive().default(3600),
})

/** `POST tailnet/-/keys` */
export const keyAnswer = z.object({
  id: z.string().min(1).max(256),
  key: z
    .string()
    .regex(/^[\x21-\x7e]{0,512}$/)
    .default(''),
  expires: z.string().optional(),
  capabilities: z
    .object({
      devices: z.object({
        create: z.object({ reusable: z.boolean().optional(), ephemeral: z.boolean().optional(), tags: list() }),
      }),
    })
    .optional(),
})

/** `GET tailnet/-/devices` */
export const devicesAnswer = z.object({
  devices: z
    .array(
      z.object({
        nodeId: z.string().min(1),
        name: z.string().default(''),
        hostname: z.string().default(''),
        addresses: list(),
        tags: list(),
        advertisedRoutes: list(),
        enabledRoutes: list(),
      }),
    )
    .nullish()
    .transform((value) => value ?? []),
})

/** `GET` and `POST device/{id}/routes` */
export const routesAnswer = z.object({ advertisedRoutes: list(), enabledRoutes: list() })

/** A node as the API lists it. */
export type ApiDevice = z.output<typeof devicesAnswer>['devices'][number]
/** Routes of a node. */
export type ApiRoutes = z.output<typeof routesAnswer>
