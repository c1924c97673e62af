/** Something was asked for in the wrong way, or cannot be asked for here: exit code 2. */
export class WrongUse extends Error {
  override name = 'WrongUse'
}

/** The rollout, or a part of it, said no, or was rolled back: exit code 1. The message was told. */
export class NotDone extends Error {
  override name = 'NotDone'
}
