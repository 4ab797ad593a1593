/** Written once into each page. */
export const style = `
:root { color-scheme: light dark; --text: #1c2024; --faint: #60646c; --line: #d9d9e0; --back: #fff; --code: #f4f4f6; --link: #0b57b0; }
@media (prefers-color-scheme: dark) {
  :root { --text: #e8e8ec; --faint: #a0a4ad; --line: #3a3f47; --back: #15171a; --code: #202328; --link: #8ab8ff; }
}
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 1.5rem 1rem 4rem; max-width: 64rem; background: var(--back); color: var(--text);
  font: 1rem/1.5 system-ui, -apple-system, "Segoe UI", "DejaVu Sans", sans-serif; overflow-wrap: break-word; }
a { color: var(--link); }
h1 { font-size: 1.6rem; line-height: 1.2; margin: 0 0 .5rem; }
h2 { font-size: 1.2rem; margin: 2.5rem 0 .75rem; padding-bottom: .25rem; border-bottom: 1px solid var(--line); }
h3 { font-size: 1.05rem; margin: 0; }
p { margin: .5rem 0; }
code, pre { font-family: ui-monospace, "SF Mono", Menlo, Consolas, "DejaVu Sans Mono", monospace; font-size: .9em; }
pre { margin: .5rem 0; padding: .6rem .8rem; background: var(--code); border-radius: .4rem; overflow-x: auto; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; margin: .5rem 0; }
th, td { text-align: left; vertical-align: top; padding: .3rem 1.2rem .3rem 0; border-bottom: 1px solid var(--line); }
thead th { color: var(--faint); font-weight: 600; font-size: .85rem; }
nav ul { columns: 14rem; padding: 0; margin: .5rem 0; list-style: none; }
section.method { padding: 1rem 0; border-bottom: 1px solid var(--line); }
.kind, .faint { color: var(--faint); font-weight: 400; font-size: .85rem; }
details { margin: .4rem 0; }
summary { cursor: pointer; color: var(--link); }
.good { color: light-dark(#18794e, #4cc38a); }
.bad { color: light-dark(#c0282d, #ff9592); }
`;
