import type { Candidate, Channel, Proposal, Recruiting, TemplateName } from './contract.ts'
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

// The second generation: one prepared query a request, prices computed by the database, and
// everything that does not depend on the request prepared at the start.

const columns = `p.id, p.nombre, p.apellido_paterno, p.email, p.phone, p.city, p.birth_year,
  p.years_experience, p.skills, p.desired_salary_cents::float8 as desired_salary_cents,
  u.name as business_unit`

const sql = {
  candidate: `select ${columns} from persons p join business_units u on u.id = p.business_unit_id
    where p.id = $1`,
  // the count stands even where the page is beyond the end
  list: `with chosen as (
      select ${columns} from persons p join business_units u on u.id = p.business_unit_id
      where $1::text is null or u.name = $1
    )
    select (select count(*)::int from chosen) as total, page.* from (values (1)) one
    left join lateral (select * from chosen order by id limit $2 offset $3) page on true`,
  create: `with made as (
      insert into persons (nombre, apellido_paterno, email, phone, city, birth_year,
        years_experience, skills, desired_salary_cents, business_unit_id)
      select $1, $2, $3, $4, $5, $6, $7, $8, $9, u.id from business_units u where u.name = $10
      on conflict (email) do nothing returning *
    )
    select u.name as unit, ${columns.replace('u.name', '$10::text')}
    from (values (1)) one left join business_units u on u.name = $10 left join made p on true`,
  proposal: `with fee as (
      select r.*, u.name as unit,
        (salary_cents * positions * fee_basis_points + 5000) / 10000 as fee,
        ${discountCase()} as rate
      from proposals r join business_units u on u.id = r.business_unit_id where r.id = $1
    ), net as (
      select *, (fee * rate + 5000) / 10000 as discount from fee
    )
    select *, ((fee - discount) * ${vatBasisPoints} + 5000) / 10000 as vat from net`,
  settings: 'select name, settings, integrations from business_units order by id',
}

function discountCase() {
  const whens = volumeDiscounts.toReversed().map(([from, rate]) => {
    return `when positions >= ${from} then ${rate}`
  })
  return `case ${whens.join(' ')} else 0 end`
}

const weights = new Map(Object.entries(skillWeights))
const weightOf = (skill: string) => weights.get(skill) ?? 1
const total = (skills: string[]) => skills.reduce((sum, skill) => sum + weightOf(skill), 0)
const percent = (part: number, whole: number) => Math.floor((part * 100) / whole + 0.5)

type Part = { text: string } | { field: keyof Candidate }

const compile = (text: string): Part[] =>
  text
    .split(/(\{\w+\})/)
    .map((part) =>
      /^\{\w+\}$/.test(part) ? { field: part.slice(1, -1) as keyof Candidate } : { text: part },
    )

const compiled = new Map(
  Object.entries(templates).flatMap(([name, channels]) =>
    Object.entries(channels).map(([channel, { subject, text }]) => [
      `${name as TemplateName} ${channel as Channel}`,
      { subject: subject === undefined ? null : compile(subject), text: compile(text) },
    ]),
  ),
)

const render = (parts: Part[], candidate: Candidate) =>
  parts
    .map((part) => ('text' in part ? part.text : String(candidate[part.field] ?? '')))
    .join('')
    .replace(/ +(?=:|\n|$)/g, '')

/** The new recruiting system. */
export const v2 = (database: Database): Recruiting => {
  const load = async (id: number): Promise<Candidate | null> => {
    const rows = await database.query<Candidate>(sql.candidate, [id], 'candidate')
    return rows[0] ?? null
  }

  return {
    async list({ page, size, businessUnit }) {
      type Row = { total: number } & Candidate
      const values = [businessUnit, size, (page - 1) * size]
      const rows = await database.query<Row>(sql.list, values, 'list')
      const candidates = rows.flatMap(({ total: _, ...row }) => (row.id === null ? [] : [row]))
      return { candidates, total: rows[0]!.total, page }
    },

    candidate: load,

    async create(candidate) {
      type Row = { unit: string | null; id: number | null } & Omit<Candidate, 'id'>
      const { business_unit, ...fields } = candidate
      const values = [
        fields.nombre,
        fields.apellido_paterno,
        fields.email,
        fields.phone,
        fields.city,
        fields.birth_year,
        fields.years_experience,
        fields.skills,
        fields.desired_salary_cents,
        business_unit,
      ]
      const [row] = await database.query<Row>(sql.create, values, 'create')
      const { unit, id, ...rest } = row!
      if (unit === null) return 'no-unit'
      return id === null ? 'taken' : { id, ...rest }
    },

    async analyze(id) {
      const candidate = await load(id)
      if (!candidate) return null
      const skills = [...new Set(candidate.skills)]
      const filled = profileFields.filter((field) => {
        const value = candidate[field]
        return Array.isArray(value) ? value.length > 0 : value !== null
      }).length
      const parts = {
        skills: Math.min(100, percent(total(skills), fullSkills)),
        experience: Math.min(100, percent(candidate.years_experience, fullYears)),
        completeness: percent(filled, profileFields.length),
      }
      const born = candidate.birth_year
      const last = generations.findLast(([from]) => born !== null && born >= from)
      return {
        candidate_id: id,
        score: percent(parts.skills * 40 + parts.experience * 35 + parts.completeness * 25, 10_000),
        parts,
        generation: last?.[1] ?? 'unknown',
        strengths: skills
          .toSorted()
          .sort((a, b) => weightOf(b) - weightOf(a))
          .slice(0, 3),
        profile_complete: filled === profileFields.length,
      }
    },

    async compatibility(id, job) {
      const candidate = await load(id)
      if (!candidate) return null
      const has = new Set(candidate.skills)
      const matched = job.skills.filter((skill) => has.has(skill))
      const missing = job.skills.filter((skill) => !has.has(skill))
      const skills = percent(total(matched), total(job.skills))
      const years =
        job.years === 0 ? 100 : Math.min(100, percent(candidate.years_experience, job.years))
      const city = job.city === null || job.city === candidate.city ? 100 : 0
      const score = percent(skills * 60 + years * 25 + city * 15, 10_000)
      return { candidate_id: id, score, matched, missing }
    },

    async proposal(id): Promise<Proposal | null> {
      type Row = Record<'fee' | 'discount' | 'vat' | 'salary_cents', string> &
        Record<'title' | 'status' | 'unit', string> &
        Record<'person_id' | 'positions', number>
      const [row] = await database.query<Row>(sql.proposal, [id], 'proposal')
      if (!row) return null
      const [fee, discount, vat] = [Number(row.fee), Number(row.discount), Number(row.vat)]
      return {
        id,
        title: row.title,
        status: row.status,
        business_unit: row.unit,
        candidate_id: row.person_id,
        positions: row.positions,
        pricing: {
          currency: 'MXN',
          salary_cents: Number(row.salary_cents),
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
      const { subject, text } = compiled.get(`${template} ${channel}`)!
      return {
        channel,
        to: channel === 'email' ? candidate.email : candidate.phone,
        subject: subject && render(subject, candidate),
        text: render(text, candidate),
      }
    },

    settings: () => database.query(sql.settings, [], 'settings'),
  }
}

if (import.meta.main) serve('v2', v2, 'HUNTRED_V2_URL')
