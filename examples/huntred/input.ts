import type {
  Channel,
  Job,
  ListingQuery,
  MessageRequest,
  NewCandidate,
  TemplateName,
} from './contract.ts'
import { invalid } from './http.ts'
import { templates } from './rules.ts'

type Body = Record<string, unknown>

const largestId = 2_147_483_647

const show = (value: unknown) => (value === undefined ? 'nothing' : JSON.stringify(value))

const whole = (name: string, value: unknown, from: number, to: number): number => {
  if (Number.isInteger(value) && (value as number) >= from && (value as number) <= to) {
    return value as number
  }
  throw invalid(`${name}: ${show(value)} is not a whole number from ${from} to ${to}`)
}

const text = (name: string, value: unknown, longest: number): string => {
  // PostgreSQL cannot store the character 0 in a text
  const ok = typeof value === 'string' && value.trim() !== '' && !value.includes('\0')
  if (ok && value.length <= longest) return value.trim()
  throw invalid(`${name}: ${show(value)} is not a text of 1 to ${longest} characters`)
}

const optional = <T>(value: unknown, parse: (value: unknown) => T): T | null =>
  value === undefined || value === null ? null : parse(value)

const skills = (name: string, value: unknown, fewest: number): string[] => {
  if (!Array.isArray(value) || value.length < fewest || value.length > 20) {
    throw invalid(`${name}: give a list of ${fewest} to 20 skills`)
  }
  const lower = value.map((each, at) => text(`${name}[${at}]`, each, 50).toLowerCase())
  return [...new Set(lower)]
}

/** An id that stands in a path or a query. */
export const parseId = (name: string, value: string): number =>
  whole(name, /^\d{1,10}$/.test(value) ? Number(value) : value, 1, largestId)

export const parseListing = (query: URLSearchParams): ListingQuery => {
  const number = (name: string, otherwise: number, to: number) => {
    const value = query.get(name)
    if (value === null) return otherwise
    return whole(name, /^\d{1,10}$/.test(value) ? Number(value) : value, 1, to)
  }
  return {
    page: number('page', 1, 1_000_000),
    size: number('size', 20, 100),
    businessUnit: optional(query.get('business_unit'), (unit) => text('business_unit', unit, 100)),
  }
}

export const parseCandidate = (body: Body): NewCandidate => {
  const email = text('email', body.email, 254)
  if (!/^[^@\s]+@[^@\s]+$/.test(email)) throw invalid(`email: ${show(email)} is not an address`)
  return {
    nombre: text('nombre', body.nombre, 100),
    apellido_paterno: optional(body.apellido_paterno, (v) => text('apellido_paterno', v, 200)),
    email: email.toLowerCase(),
    phone: optional(body.phone, (value) => text('phone', value, 30)),
    city: optional(body.city, (value) => text('city', value, 100)),
    birth_year: optional(body.birth_year, (value) => whole('birth_year', value, 1900, 2020)),
    years_experience: whole('years_experience', body.years_experience ?? 0, 0, 80),
    skills: skills('skills', body.skills ?? [], 0),
    desired_salary_cents: optional(body.desired_salary_cents, (value) =>
      whole('desired_salary_cents', value, 1, 1_000_000_000_000),
    ),
    business_unit: text('business_unit', body.business_unit, 100),
  }
}

export const parseCompatibility = (body: Body): { id: number; job: Job } => {
  const job = body.job as Body | null | undefined
  if (typeof job !== 'object' || job === null) throw invalid('job: give an object with skills')
  return {
    id: whole('candidate_id', body.candidate_id, 1, largestId),
    job: {
      skills: skills('job.skills', job.skills, 1),
      years: whole('job.years', job.years ?? 0, 0, 80),
      city: optional(job.city, (value) => text('job.city', value, 100)),
    },
  }
}

export const parseMessage = (body: Body): MessageRequest => {
  const candidate_id = whole('candidate_id', body.candidate_id, 1, largestId)
  if (body.channel !== 'whatsapp' && body.channel !== 'email') {
    throw invalid(`channel: ${show(body.channel)} is not one of whatsapp, email`)
  }
  const names = Object.keys(templates)
  if (typeof body.template !== 'string' || !names.includes(body.template)) {
    throw invalid(`template: ${show(body.template)} is not one of ${names.join(', ')}`)
  }
  return {
    candidate_id,
    channel: body.channel satisfies Channel,
    template: body.template as TemplateName,
  }
}
