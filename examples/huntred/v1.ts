import { setTimeout as sleep } from 'node:timers/promises'
import type { Candidate, Recruiting } from './contract.ts'
import type { Database } from './data.ts'
import {
  fullSkills,
  fullYears,
  generations,
  profileFields,
  skillWeights,
  templates,
  vatBasisPoints,
  volumeDiscounts,
} from './rules.ts'
import { serve } from './serve.ts'

// The first generation: a record at a time, a query a table, and everything computed here.

type Person = Omit<Candidate, 'business_unit' | 'desired_salary_cents'> & {
  // bigint arrives as a text
  desired_salary_cents: string | null
  business_unit_id: number
}
type Unit = { id: number; name: string; settings: object; integrations: object }
type Row = {
  id: number
  title: string
  status: string
  business_unit_id: number
  person_id: number
  positions: number
  salary_cents: string
  fee_basis_points: number
}

const share = (amount: number, basisPoints: number) =>
  Math.floor((amount * basisPoints + 5000) / 10_000)

const percent = (part: number, whole: number) => Math.floor((part * 200 + whole) / (2 * whole))

const toCandidate = (person: Person, unit: string): Candidate => ({
  id: person.id,
  nombre: person.nombre,
  apellido_paterno: person.apellido_paterno,
  email: person.email,
  phone: person.phone,
  city: person.city,
  birth_year: person.birth_year,
  years_experience: person.years_experience,
  skills: person.skills,
  desired_salary_cents:
    person.desired_salary_cents === null ? null : Number(person.desired_salary_cents),
  business_unit: unit,
})

/** The old recruiting system. */
export const v1 = (database: Database): Recruiting => {
  const units = () => database.query<Unit>('select * from business_units order by id')

  const load = async (id: number): Promise<Candidate | null> => {
    const [person] = await database.query<Person>('select * from persons where id = $1', [id])
    if (!person) return null
    const sql = 'select * from business_units where id = $1'
    const [unit] = await database.query<Unit>(sql, [person.business_unit_id])
    return toCandidate(person, unit!.name)
  }

  const system: Recruiting = {
    async list({ page, size, businessUnit }) {
      const known = await units()
      const wanted = known.filter((unit) => businessUnit === null || unit.name === businessUnit)
      const ids = wanted.map((unit) => unit.id)
      const [count] = await database.query<{ total: string }>(
        'select count(*) as total from persons where business_unit_id = any($1)',
        [ids],
      )
      const persons = await database.query<Person>(
        `select * from persons where business_unit_id = any($1)
         order by id limit $2 offset $3`,
        [ids, size, (page - 1) * size],
      )
      const candidates = []
      for (const person of persons) {
        const unit = known.find((each) => each.id === person.business_unit_id)
        candidates.push(toCandidate(person, unit!.name))
      }
      return { candidates, total: Number(count!.total), page }
    },

    candidate: load,

    async create(candidate) {
      const unit = (await units()).find((each) => each.name === candidate.business_unit)
      if (!unit) return 'no-unit'
      const [person] = await database.query<Person>(
        `insert into persons (nombre, apellido_paterno, email, phone, city, birth_year,
           years_experience, skills, desired_salary_cents, business_unit_id)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
         on conflict (email) do nothing returning *`,
        [
          candidate.nombre,
          candidate.apellido_paterno,
          candidate.email,
          candidate.phone,
          candidate.city,
          candidate.birth_year,
          candidate.years_experience,
          candidate.skills,
          candidate.desired_salary_cents,
          unit.id,
        ],
      )
      return person ? toCandidate(person, unit.name) : 'taken'
    },

    async analyze(id) {
      const candidate = await load(id)
      if (!candidate) return null
      let weight = 0
      const strengths: string[] = []
      for (const skill of candidate.skills) {
        if (strengths.includes(skill)) continue
        weight += skillWeights[skill] ?? 1
        strengths.push(skill)
      }
      strengths.sort((a, b) => {
        const byWeight = (skillWeights[b] ?? 1) - (skillWeights[a] ?? 1)
        if (byWeight !== 0) return byWeight
        return a < b ? -1 : 1
      })
      let filled = 0
      for (const field of profileFields) {
        const value = candidate[field]
        if (value !== null && !(Array.isArray(value) && value.length === 0)) filled += 1
      }
      let generation = 'unknown'
      for (const [from, name] of generations) {
        if (candidate.birth_year !== null && candidate.birth_year >= from) generation = name
      }
      const parts = {
        skills: Math.min(100, percent(weight, fullSkills)),
        experience: Math.min(100, percent(candidate.years_experience, fullYears)),
        completeness: percent(filled, profileFields.length),
      }
      const sum = parts.skills * 40 + parts.experience * 35 + parts.completeness * 25
      return {
        candidate_id: id,
        score: percent(sum, 10_000),
        parts,
        generation,
        strengths: strengths.slice(0, 3),
        profile_complete: filled === profileFields.length,
      }
    },

    async compatibility(id, job) {
      const candidate = await load(id)
      if (!candidate) return null
      const matched: string[] = []
      const missing: string[] = []
      let have = 0
      let want = 0
      for (const skill of job.skills) {
        const weight = skillWeights[skill] ?? 1
        want += weight
        if (candidate.skills.includes(skill)) {
          have += weight
          matched.push(skill)
        } else {
          missing.push(skill)
        }
      }
      const years =
        candidate.years_experience >= job.years
          ? 100
          : percent(candidate.years_experience, job.years)
      const city = job.city === null || job.city === candidate.city ? 100 : 0
      const score = percent(percent(have, want) * 60 + years * 25 + city * 15, 10_000)
      return { candidate_id: id, score, matched, missing }
    },

    async proposal(id) {
      const [row] = await database.query<Row>('select * from proposals where id = $1', [id])
      if (!row) return null
      const unit = (await units()).find((each) => each.id === row.business_unit_id)
      const salary = Number(row.salary_cents)
      const fee = share(salary * row.positions, row.fee_basis_points)
      let rate = 0
      for (const [from, basisPoints] of volumeDiscounts) {
        if (row.positions >= from) rate = basisPoints
      }
      const discount = share(fee, rate)
      const vat = share(fee - discount, vatBasisPoints)
      return {
        id,
        title: row.title,
        status: row.status,
        business_unit: unit!.name,
        candidate_id: row.person_id,
        positions: row.positions,
        pricing: {
          currency: 'MXN',
          salary_cents: salary,
          fee_cents: fee,
          discount_cents: discount,
          subtotal_cents: fee - discount,
          vat_cents: vat,
          total_cents: fee - discount + vat,
        },
      }
    },

    async message({ candidate_id, channel, template }) {
      const candidate = await load(candidate_id)
      if (!candidate) return null
      const fill = (text: string) =>
        text
          .replace(/\{(\w+)\}/g, (_, field) => String(candidate[field as keyof Candidate] ?? ''))
          .replace(/ +(?=:|\n|$)/g, '')
      const { subject, text } = templates[template][channel]
      const to = channel === 'email' ? candidate.email : candidate.phone
      const headline = subject === undefined ? null : fill(subject)
      return { channel, to, subject: headline, text: fill(text) }
    },

    async settings() {
      const known = await units()
      return known.map(({ name, settings, integrations }) => ({ name, settings, integrations }))
    },
  }
  return slowed(system)
}

/** Adds the 4–6 ms that the old system's other work takes, by a timer so that no core is burnt. */
const slowed = (system: Recruiting): Recruiting => {
  let calls = 0
  const slow =
    <A extends unknown[], R>(work: (...args: A) => Promise<R>) =>
    async (...args: A) => {
      calls += 1
      await sleep(4 + (calls % 2))
      return work(...args)
    }
  return {
    list: slow(system.list),
    candidate: slow(system.candidate),
    create: slow(system.create),
    analyze: slow(system.analyze),
    compatibility: slow(system.compatibility),
    proposal: slow(system.proposal),
    message: slow(system.message),
    settings: slow(system.settings),
  }
}

if (import.meta.main) serve('v1', v1)
