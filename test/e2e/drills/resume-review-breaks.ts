import type { Bench } from './bench.ts'

/** Review 3 is gone, and stays so when the backend of a suite makes its tables. */
export async function withoutReview(bench: Bench): Promise<void> {
  bench.afterwards(() =>
    bench.sql(
      'resume_review',
      `drop trigger skip_review on reviews; drop function skip_review;
       insert into reviews select 3, resume from reviews where id = 4`,
    ),
  )
  await bench.sql(
    'resume_review',
    `create function skip_review() returns trigger language plpgsql as 'begin return null; end';
     create trigger skip_review before insert on reviews
       for each row when (new.id = 3) execute function skip_review();
     delete from reviews where id = 3`,
  )
}

/** Nobody gets a session: a login fails. */
export async function withoutSessions(bench: Bench): Promise<void> {
  bench.afterwards(() => bench.sql('resume_review', 'alter table sessions drop constraint none'))
  await bench.sql(
    'resume_review',
    "alter table sessions add constraint none check (user_id = '') not valid",
  )
}

export async function withoutColumn(bench: Bench): Promise<void> {
  const rename = (from: string, to: string) =>
    bench.sql('resume_review', `alter table analysis_requests rename column ${from} to ${to}`)
  bench.afterwards(() => rename('state', 'status'))
  await rename('status', 'state')
}
