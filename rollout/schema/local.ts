import { z } from 'zod'

export const local = z.strictObject({
  listen: z
    .string()
    .regex(/^([A-Za-z0-9.-]+|\[[0-9A-Fa-f:.]+\]):\d{1,5}$/, {
      error: 'give an address and a port, such as 127.0.0.1:8380',
    })
    .default('127.0.0.1:8380')
    .describe('where users reach the router'),
  postgres: z
    .strictObject({
      databases: z
        .record(
          z.string().regex(/^[a-z_][a-z0-9_]{0,62}$/, {
            error: 'give the name of a database: lower-case letters, digits and _',
          }),
          z.string().regex(/^[A-Z_][A-Z0-9_]*$/, {
            error: 'give the name of the variable that carries its address, such as ORDERS_URL',
          }),
        )
        .describe(
          'databases, each with the variable that carries its address to services and backups',
        ),
    })
    .optional()
    .describe(
      'a supervised PostgreSQL server on a socket only this user reaches; archived continuously where a backup of it is critical',
    ),
})
