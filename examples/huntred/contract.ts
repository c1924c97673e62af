/** A person as the API shows one; names of fields are those of the old system's models. */
export type Candidate = {
  id: number
  nombre: string
  apellido_paterno: string | null
  email: string
  phone: string | null
  city: string | null
  birth_year: number | null
  years_experience: number
  skills: string[]
  /** A month's salary, in cents of a Mexican peso. */
  desired_salary_cents: number | null
  business_unit: string
}

export type NewCandidate = Omit<Candidate, 'id' | 'business_unit'> & { business_unit: string }

export type Listing = { candidates: Candidate[]; total: number; page: number }

/** `page` counts from 1, `size` is candidates a page. */
export type ListingQuery = { page: number; size: number; businessUnit: string | null }

/** All numbers are whole, 0–100. */
export type Analysis = {
  candidate_id: number
  score: number
  parts: { skills: number; experience: number; completeness: number }
  generation: string
  strengths: string[]
  profile_complete: boolean
}

/** `skills` are in lower case and without repetition. */
export type Job = { skills: string[]; years: number; city: string | null }

export type Compatibility = {
  candidate_id: number
  score: number
  matched: string[]
  missing: string[]
}

/** Amounts are cents of a Mexican peso, each rounded half up. */
export type Proposal = {
  id: number
  title: string
  status: string
  business_unit: string
  candidate_id: number
  positions: number
  pricing: {
    currency: 'MXN'
    salary_cents: number
    fee_cents: number
    discount_cents: number
    subtotal_cents: number
    vat_cents: number
    total_cents: number
  }
}

export type Channel = 'whatsapp' | 'email'
export type TemplateName = 'interview' | 'offer' | 'follow-up'
export type MessageRequest = { candidate_id: number; channel: Channel; template: TemplateName }
/** `to` is null where the candidate has no address on that channel. */
export type Message = { channel: Channel; to: string | null; subject: string | null; text: string }

export type UnitSettings = { name: string; settings: object; integrations: object }

/** What both generations do; null stands for a record that does not exist. */
export type Recruiting = {
  list(query: ListingQuery): Promise<Listing>
  candidate(id: number): Promise<Candidate | null>
  /** Answers 'no-unit' for an unknown business unit and 'taken' for an e-mail that is known. */
  create(candidate: NewCandidate): Promise<Candidate | 'no-unit' | 'taken'>
  analyze(id: number): Promise<Analysis | null>
  compatibility(id: number, job: Job): Promise<Compatibility | null>
  proposal(id: number): Promise<Proposal | null>
  message(request: MessageRequest): Promise<Message | null>
  settings(): Promise<UnitSettings[]>
}
