/** What was found at one part of the platform. */
export interface Finding {
  part: string
  /** `absent`: not there, and need not be. */
  state: 'well' | 'ill' | 'absent'
  found: string
  /** What to type. */
  next?: string
}

/** What was found at a part whose name is known. */
export type Found = Omit<Finding, 'part'>

/** A part, and how it is looked at; a look may throw, which is a finding too. */
export type Look = [part: string, look: () => Promise<Found>]
