import { Refusal } from './http.ts'

export type User = { name: string; role: 'recruiter' | 'admin' }

// Fixed tokens of an example that listens on loopback only; they open nothing else.
const users: Record<string, User> = {
  'example-recruiter': { name: 'Rosa Recruiter', role: 'recruiter' },
  'example-admin': { name: 'Ada Admin', role: 'admin' },
}

/** The user whose bearer token an Authorization header carries; refuses with 401. */
export const authenticate = (header: string | undefined): User => {
  const token = /^Bearer +(\S+)$/i.exec(header ?? '')?.[1]
  if (token !== undefined && Object.hasOwn(users, token)) return users[token]!
  throw new Refusal(401, 'unauthenticated', 'authorization: give a bearer token that is known', {
    'www-authenticate': 'Bearer',
  })
}

/** Refuses with 403 where the user's role is not an administrator's. */
export const requireAdmin = (user: User) => {
  if (user.role === 'admin') return
  throw new Refusal(403, 'forbidden', `role: ${user.role} may not do this; admin may`)
}
