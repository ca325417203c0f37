// The page of `audit --report html`, for report.mjs: tests by name.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** Tools of report.mjs: the binary, a folder, names that are not harmless, limits, and what looks at pages. */
export const tests = ({ rollproof, folder, hostile, widths, opensWithin, maxBytes, visit, accessible, narrow }) => {
	/** Archives of some rollouts: `says(rollout, tenant)` is "+" for proven, "x", "!", "-" for no row, " " for not in the fleet; of `more`, `labels(tenant)` and `args`. */
	const audit = (name, rollouts, tenants, says, called = () => true, group = "", more = {}) => {
		const archives = join(folder, name, "archives", group);
		mkdirSync(archives, { recursive: true });
		for (let i = 0; i < rollouts; i++) {
			const at = new Date(Date.UTC(2026, 0, 1, 10) + i * 20 * 3600_000).toISOString().slice(0, 16).replace(":", "-");
			const write = (kind, content) => writeFileSync(join(archives, `${at}.${kind}.json`), JSON.stringify(content));
			const rows = tenants.map((slug, tenant) => ({ slug, what: says(i, tenant) }));
			const body = { target_tag: `staging-${String(i).padStart(7, "0")}`, canary_slug: tenants.at(-1), dry_run: false };
			write("plan", { enabled: true, target_tag: body.target_tag, body });
			const entry = (slug) => (more.labels ? { slug, labels: more.labels(tenants.indexOf(slug)) } : slug);
			write("fleet", rows.filter(({ what }) => what !== " ").map(({ slug }) => entry(slug)));
			const row = ({ slug, what }) => ({ slug, ssm_status: what === "!" ? "Failed" : "Success", ...(what === "!" ? {} : { verified_on_target: what === "+" }) });
			write("response", { ok: called(i), results: rows.filter(({ what }) => "+x!".includes(what)).map(row) });
		}
		writeFileSync(join(archives, "2027-01-01T00-00.response.json"), '{"ok": tru');
		writeFileSync(join(folder, name, "lenient.toml"), "[params]\nmax_stragglers = 2\n");
		try {
			execFileSync(rollproof, ["audit", "archives", ...(more.args ?? []), ...(group ? ["--group-by", "folder"] : []), "--quiet", "--keep-going", "--until", "2027-02-01", "--report", "html=audit.html"], {
				cwd: join(folder, name),
				stdio: ["ignore", "ignore", "pipe"],
			});
		} catch (error) {
			assert.equal(error.status, 1, `${name}: ${error.stderr}`);
		}
		return join(folder, name, "audit.html");
	};
	const names = ["agents-team", "acme", "bolt", "coral", "delta", "ember"];
	/** The incident: agents-team is skipped in rollouts 1 to 3; coral leaves, delta comes, bolt falls twice. */
	const incident = (i, tenant) => {
		if (tenant === 0 && i >= 1 && i <= 3) return "-";
		if (tenant === 2 && (i === 2 || i === 6)) return "x";
		if (tenant === 3 && i >= 5) return " ";
		if (tenant === 4 && i < 2) return " ";
		return "+";
	};
	/** Every tenant is behind now and then, for one to three rollouts. */
	const random = (i, tenant) => {
		const turn = (Math.floor(i / (1 + (tenant % 3))) * 7 + tenant * 13) % 23;
		return { 3: "x", 11: "!", 17: "-" }[turn] ?? "+";
	};
	const many = Array.from({ length: 40 }, (_, i) => `tenant-${String(i).padStart(3, "0")}`);
	audit("groups", 6, names, incident, () => true, "prod");
	const pages = {
		"two groups": audit("groups", 9, ["xeno", "yarn", "zinc"], (i, tenant) => (tenant === 1 && i > 4 ? "x" : "+"), () => true, "staging"),
		"a small audit": audit("small", 8, names, incident, (i) => i !== 6),
		"one rollout": audit("one", 1, names, () => "+"),
		"a larger audit": audit("larger", 120, many, (i, tenant) => (tenant < 30 ? random(i, tenant) : "+"), (i) => i % 3 > 0),
		"labelled tenants": audit("labelled", 8, names, incident, () => true, "", {
			labels: (tenant) => ({ region: `eu-west-${tenant}`, tier: tenant % 2 ? "tin" : "gold", "cost-centre": "platform-engineering" }),
		}),
		"verdicts that flip": audit("flips", 8, names, incident, () => true, "", { args: ["--against", "lenient.toml"] }),
		"a hostile audit": audit("hostile-audit", 3, [...hostile, "acme"], (i, tenant) => (tenant % 2 ? "+" : "x")),
	};

	/** A page with the data of 10,000 rollouts of 1,000 tenants, hardly two cells alike. */
	const grown = () => {
		const page = readFileSync(pages["a larger audit"], "utf8");
		const [, json] = /<script type="application\/json" id="data">(.*?)<\/script>/s.exec(page);
		const data = JSON.parse(json);
		const [rollouts, tenants] = [10_000, 1_000];
		const repeat = (list) => Array.from({ length: rollouts }, (_, i) => list[i % list.length]);
		for (const key of ["target", "archive", "because", "proven", "fleet"]) data.rollouts[key] = repeat(data.rollouts[key]);
		data.rollouts.at = Array.from({ length: rollouts }, (_, i) => 1_700_000_000 + i * 3000);
		for (const key of ["called", "decision"]) data.rollouts[key] = repeat([...data.rollouts[key]]).join("");
		let seed = 1;
		const next = () => (seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0) >>> 24;
		const history = () => Array.from({ length: rollouts }, () => "vvaUOEvu"[next() & 7]).join("");
		data.tenants = Array.from({ length: tenants }, (_, i) => [`tenant-${i}`, null, history()]);
		data.lag = Array.from({ length: 50_000 }, (_, i) => [i % tenants, 1_700_000_000 + i * 60, i % 7 ? 1_730_000_000 : null, i % 90, i * 60, 0, 0, 0]);
		const file = join(folder, "grown.html");
		writeFileSync(file, page.replace(json, () => JSON.stringify(data)));
		return file;
	};

	const told = (page) => page.evaluate(() => {
		const cell = document.getElementById(document.getElementById("sheet").getAttribute("aria-activedescendant"));
		return `${cell.textContent} (${cell.parentElement.getAttribute("aria-rowindex")}, ${cell.getAttribute("aria-colindex")})`;
	});
	const colours = (page) => page.locator("#sheet canvas").evaluate((canvas) => {
		const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
		const seen = new Set();
		for (let i = 0; i < data.length; i += 4) seen.add(data.slice(i, i + 4).join());
		return seen.size;
	});

	return {
		async "audit: every page at every width, light, dark and printed, is accessible and fits"() {
			for (const [name, file] of Object.entries(pages)) {
				for (const width of widths) {
					for (const look of [{ colorScheme: "light" }, { colorScheme: "dark" }, { media: "print" }]) {
						if (look.media === "print" && width < 700) continue;
						await visit(file, { width, ...look }, async (page) => {
							const wide = await page.evaluate(() => document.documentElement.scrollWidth);
							assert.ok(wide <= width, `${name} is ${wide} pixels wide in a window of ${width}`);
							if (look.media !== "print") await accessible(page, `${name} ${width} ${look.colorScheme}`);
						});
					}
				}
			}
		},

		async "audit: at 400 pixels every table can be read and names stay whole"() {
			for (const name of ["a small audit", "a larger audit", "labelled tenants", "verdicts that flip"]) {
				await visit(pages[name], { width: 400 }, (page) => narrow(page, name));
			}
		},

		async "audit: 10,000 rollouts of 1,000 tenants open at once, in a file that can be sent"() {
			const file = grown();
			const { size } = statSync(file);
			assert.ok(size < maxBytes, `${size} bytes`);
			await visit(file, {}, async (page, took) => {
				console.log(`  opened in ${took} ms, ${size} bytes`);
				assert.ok(took < opensWithin, `it took ${took} ms`);
				assert.ok((await colours(page)) >= 6);
				await page.locator("#sheet").focus();
				for (let i = 0; i < 9; i++) await page.keyboard.press("+");
				await page.keyboard.press("Home");
				await page.keyboard.press("PageDown");
				assert.match(await told(page), /, 1\)$/);
				assert.equal(await page.locator("#sheet").evaluate((sheet) => sheet.scrollWidth > 200_000 && sheet.scrollLeft === 0), true);
			});
		},

		async "audit: a cell is told in words, to eyes and to ears"() {
			await visit(pages["a small audit"], {}, async (page) => {
				const tip = page.locator("#map-tip");
				await page.locator("#sheet").focus();
				await page.keyboard.press("ArrowUp");
				await page.keyboard.press("ArrowUp");
				await page.keyboard.press("Home");
				assert.match(await told(page), /^Rollout of 2026-01-01 10:00 UTC, staging-0000000, 5 of 5 tenants proven\. It was called green, and is a pass\. .* \(1, 1\)$/);
				await page.keyboard.press("ArrowRight");
				assert.match(await told(page), /It was called green, and is a fail, a FALSE GREEN: coverage\.incomplete: .* \(1, 2\)$/);
				await page.keyboard.press("ArrowDown");
				assert.match(await told(page), /^agents-team, 2026-01-02 06:00 UTC, staging-0000001\. BEHIND, unreached; since 2026-01-02 06:00 UTC until 2026-01-04 18:00 UTC, 2 d 12 h, in 3 rollouts, in the last of them .* \(2, 2\)$/);
				assert.match(await tip.innerText(), /^agents-team, /);
				await page.keyboard.press("ArrowLeft");
				assert.match(await told(page), /agents-team.*verified/);
				await page.keyboard.press("Enter");
				assert.equal(await page.evaluate(() => document.activeElement.id), "search");
				assert.equal(await page.locator("#table tbody tr").count(), 1);
				// A pointer is told the same; the last tenant was not always there.
				await page.locator("#sheet").scrollIntoViewIfNeeded();
				const box = await page.locator("#sheet").boundingBox();
				const seen = [];
				for (let x = box.x + 60; x < box.x + box.width; x += 8) {
					await page.mouse.move(x, box.y + box.height - 14);
					seen.push(await tip.innerText());
				}
				assert.ok(seen.some((text) => /outside the fleet/.test(text)), seen.join("|"));
			});
		},

		async "audit: who was behind is searched and sorted, and leads to the map"() {
			await visit(pages["a larger audit"], {}, async (page) => {
				const first = () => page.locator("#table tbody tr").first().innerText();
				const hours = (text) => 24 * Number(/(\d+) d\b/.exec(text)?.[1] ?? 0) + Number(/(\d+) h\b/.exec(text)?.[1] ?? 0);
				const all = await page.evaluate(() => JSON.parse(document.getElementById("data").textContent).lag.length);
				assert.equal(await page.locator("#found").innerText(), `${all} times`);
				assert.equal(await page.locator("#table [aria-sort]").count(), 0);
				const head = page.getByRole("columnheader", { name: "How long" });
				await head.getByRole("button").click();
				await head.getByRole("button").click();
				assert.equal(await head.getAttribute("aria-sort"), "descending");
				const long = hours(await first());
				await head.getByRole("button").click();
				assert.ok(hours(await first()) < long);
				await page.getByLabel("Search").fill("tenant-007 off_target");
				assert.match(await page.locator("#found").innerText(), new RegExp(`^\\d+ of ${all} times$`));
				for (const row of await page.locator("#table tbody tr").allInnerTexts()) assert.match(row, /tenant-007[^]*off_target/);
				await page.locator("#table tbody button").first().press("Enter");
				assert.match(await told(page), /^tenant-007, .*BEHIND/);
				assert.equal(await page.evaluate(() => document.activeElement.id), "sheet");
			});
		},

		async "audit: tenants are searched by their labels"() {
			await visit(pages["labelled tenants"], {}, async (page) => {
				await page.getByLabel("Search").fill("tier=gold eu-west-2");
				const rows = await page.locator("#table tbody tr").allInnerTexts();
				assert.ok(rows.length > 0);
				for (const row of rows) assert.match(row, /^bolt\s+cost-centre=platform-engineering, region=eu-west-2, tier=gold/);
				await page.getByLabel("Search").fill("tier=tin eu-west-2");
				assert.equal(await page.locator("#table tbody tr").count(), 0);
				await page.locator("#sheet").focus();
				assert.match(await told(page), /tier=/);
			});
		},

		async "audit: verdicts that flip stand first, with what turned them"() {
			await visit(pages["verdicts that flip"], { width: 400 }, async (page) => {
				const section = page.locator("main section").first();
				assert.match(await section.innerText(), /4 of 8 verdicts flip against lenient.toml/);
				const flips = page.getByRole("region", { name: "Each verdict that flips" });
				assert.equal(await flips.locator("tbody tr").count(), 4);
				assert.match(await flips.locator("tbody tr").first().innerText(), /pass\s+fail[^]*coverage.incomplete/);
			});
		},

		async "audit: each group has a map of its own"() {
			await visit(pages["two groups"], {}, async (page) => {
				const sheet = page.locator("#sheet");
				const size = async () => `${await sheet.getAttribute("aria-rowcount")} by ${await sheet.getAttribute("aria-colcount")}`;
				const group = (name) => page.locator("#groups").getByRole("button", { name });
				const shown = () => page.locator('#groups [aria-pressed="true"]').innerText();
				assert.equal(await page.locator("#groups button").count(), 2);
				await group("prod").click();
				assert.deepEqual([await shown(), await size()], ["prod", "5 by 6"]);
				await sheet.focus();
				await page.keyboard.press("End");
				assert.match(await told(page), /^\S+ \(prod\), 2026-01-05 14:00 UTC/);
				await group("staging").click();
				assert.deepEqual([await shown(), await size()], ["staging", "2 by 9"]);
				await sheet.focus();
				await page.keyboard.press("Home");
				assert.match(await told(page), /^yarn \(staging\), 2026-01-01 10:00 UTC.*verified.* \(2, 1\)$/);
				// Whoever is looked for in the table is shown in the map of its group.
				await page.getByLabel("Search").fill("agents-team");
				await page.locator("#table tbody button").first().press("Enter");
				assert.equal(await shown(), "prod");
				assert.match(await told(page), /^agents-team \(prod\), .*BEHIND/);
			});
		},

		async "audit: every control shows where it is"() {
			await visit(pages["a small audit"], {}, async (page) => {
				const reached = new Set();
				for (let i = 0; i < 40; i++) {
					await page.keyboard.press("Tab");
					const at = await page.evaluate(() => {
						const now = document.activeElement;
						return { name: now.id || now.textContent, ringed: getComputedStyle(now).outlineStyle !== "none" || now === document.body };
					});
					assert.ok(at.ringed, `nothing shows that ${at.name} has the focus`);
					reached.add(at.name);
				}
				for (const name of ["Skip to what was found", "sheet", "search", "Tenant", "agents-team"]) assert.ok(reached.has(name), name);
			});
		},

		async "audit: evidence is only ever text"() {
			await visit(pages["a hostile audit"], {}, async (page) => {
				const found = await page.evaluate(() => ({
					scripts: document.scripts.length,
					strange: document.querySelectorAll("img, iframe, object, embed, form, base, link, [onerror], [onload]").length,
					links: [...document.links].filter((link) => !link.getAttribute("href").startsWith("#")).length,
				}));
				assert.deepEqual(found, { scripts: 2, strange: 0, links: 0 });
				await page.getByLabel("Search").fill("<script>alert(1)</script>");
				assert.match(await page.locator("#table tbody").innerText(), /<script>alert\(1\)<\/script>/);
			});
		},

		async "audit: a page that is printed is light and whole"() {
			await visit(pages["a larger audit"], { colorScheme: "dark", media: "print" }, async (page) => {
				assert.equal(await page.evaluate(() => getComputedStyle(document.body).backgroundColor), "rgb(255, 255, 255)");
				const { height, shown } = await page.locator("#sheet canvas").evaluate((canvas) => ({ height: canvas.height, shown: canvas.getBoundingClientRect().width }));
				assert.ok(height > 30 * 20, `${height}`);
				assert.ok(shown > 500, `${shown}`);
				assert.ok((await page.pdf()).length > 10_000);
			});
		},
	};
};
