import { userInfo } from 'node:os'

/** Who types: what the history and the news say. */
export function whoAmI(): string {
  try {
    return process.env['SUDO_USER'] ?? userInfo().username
  } catch {
    return 'a person'
  }
}
